//! The address of a remote repository, checked before any program sees it.

use std::fmt;

/// Longest address, in bytes.
const LONGEST: usize = 2048;

/// Where a repository is fetched from: http, https, ssh (also as `user@host:path`), `file://` or an absolute path.
///
/// Anything else is refused: what begins with `-` would be an option, and `ext::…` a command. The name and password of an
/// http address are kept apart from it, so that they stand in no argument list, message or log.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    address: String,
    credentials: Option<Credentials>,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

/// Why an address is refused. The message doesn't repeat it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is empty or endless.
    #[error("the address of a repository has 1 to {LONGEST} bytes")]
    Length,
    /// A control character, or white space where there is none.
    #[error(
        "the address of a repository has no control characters, and spaces only in a path of this machine"
    )]
    Character,
    /// It is none of the known forms.
    #[error(
        "the address of a repository begins with https://, http://, ssh://, file:// or /, or reads user@host:path"
    )]
    Form,
    /// It lacks the host, or the host or the user would be read as an option.
    #[error("the address of a repository names no usable host")]
    Host,
    /// It lacks the path, or the path would be read as an option.
    #[error("the address of a repository names no usable path")]
    Path,
    /// It has a password that ssh can't take.
    #[error("an ssh address takes no password: give the coordinator's account a key")]
    Password,
    /// It has a query or a fragment.
    #[error("the address of a repository has neither `?` nor `#`")]
    Query,
    /// A `%` of the credentials isn't followed by two hexadecimal digits of UTF-8 text.
    #[error("name and password of an address are percent-encoded UTF-8")]
    Encoding,
}

impl RemoteUrl {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// What [`UrlError`] lists.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(UrlError::Length);
        }
        let local = text.starts_with('/') || text.starts_with("file://");
        if text
            .chars()
            .any(|char| char.is_control() || (char.is_whitespace() && !local))
        {
            return Err(UrlError::Character);
        }
        if text.starts_with('/') {
            return Ok(Self::plain(text));
        }
        match text.split_once("://") {
            Some(("file", path)) if path.starts_with('/') => Ok(Self::plain(text)),
            Some(("file", _)) => Err(UrlError::Path),
            Some((scheme @ ("http" | "https"), rest)) => Self::http(scheme, rest),
            Some(("ssh", rest)) => Self::ssh(text, rest),
            Some(_) => Err(UrlError::Form),
            None => Self::scp(text),
        }
    }

    fn plain(text: &str) -> Self {
        Self {
            address: text.to_owned(),
            credentials: None,
        }
    }

    fn http(scheme: &str, rest: &str) -> Result<Self, UrlError> {
        if rest.contains(['?', '#']) {
            return Err(UrlError::Query);
        }
        let (authority, path) = rest.split_once('/').ok_or(UrlError::Path)?;
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        check_host(host)?;
        if path.is_empty() {
            return Err(UrlError::Path);
        }
        let credentials = userinfo.map(Credentials::parse).transpose()?;
        Ok(Self {
            address: format!("{scheme}://{host}/{path}"),
            credentials,
        })
    }

    fn ssh(text: &str, rest: &str) -> Result<Self, UrlError> {
        let (authority, path) = rest.split_once('/').ok_or(UrlError::Path)?;
        let (user, host) = authority
            .rsplit_once('@')
            .map_or(("", authority), |(user, host)| (user, host));
        if user.contains(':') {
            return Err(UrlError::Password);
        }
        check_user(user)?;
        check_host(host)?;
        check_path(path)?;
        Ok(Self::plain(text))
    }

    fn scp(text: &str) -> Result<Self, UrlError> {
        let (authority, path) = text.split_once(':').ok_or(UrlError::Form)?;
        // `helper::address` starts the program `git-remote-helper`.
        if path.starts_with(':') || authority.contains('/') {
            return Err(UrlError::Form);
        }
        let (user, host) = authority.rsplit_once('@').ok_or(UrlError::Form)?;
        check_user(user)?;
        check_host(host)?;
        check_path(path)?;
        Ok(Self::plain(text))
    }

    /// The same with this name and password, if it is an http address that has none.
    #[must_use]
    pub fn with_login(&self, user: &str, password: &str) -> Self {
        let mut same = self.clone();
        let http = self.address.starts_with("http://") || self.address.starts_with("https://");
        if http && self.credentials.is_none() {
            same.credentials = Some(Credentials {
                user: user.to_owned(),
                password: password.to_owned(),
            });
        }
        same
    }

    /// What stands behind `base`, `https://HOST` or `https://HOST/PREFIX`, without slashes and `.git` around it; `None` if the repository
    /// is elsewhere. Name and port of the host must be written alike.
    pub fn below(&self, base: &str) -> Option<&str> {
        let rest = self.address.strip_prefix(base.trim_end_matches('/'))?;
        let path = rest.strip_prefix('/')?.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        (!path.is_empty()).then_some(path)
    }

    /// The address without name and password of http: what may stand in arguments and messages.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Name and password of http, where it has them; decoded.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let found = self.credentials.as_ref()?;
        Some((&found.user, &found.password))
    }
}

impl Credentials {
    fn parse(userinfo: &str) -> Result<Self, UrlError> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Ok(Self {
            user: decode(user)?,
            password: decode(password)?,
        })
    }
}

fn check_user(user: &str) -> Result<(), UrlError> {
    let is_plain = user
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte));
    (is_plain && !user.starts_with('-'))
        .then_some(())
        .ok_or(UrlError::Host)
}

/// A name, an IPv4 address or an IPv6 address in brackets, with or without a port.
fn check_host(text: &str) -> Result<(), UrlError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
            (
                inside,
                rest.strip_prefix(':').or(rest.is_empty().then_some("0")),
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("0")),
        },
    };
    let is_host = !host.is_empty()
        && !host.starts_with('-')
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte));
    let is_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
    (is_host && is_port).then_some(()).ok_or(UrlError::Host)
}

fn check_path(path: &str) -> Result<(), UrlError> {
    (!path.is_empty() && !path.starts_with('-'))
        .then_some(())
        .ok_or(UrlError::Path)
}

fn decode(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(rest.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = (digit(), digit());
        let (Some(high), Some(low)) = (high, low) else {
            return Err(UrlError::Encoding);
        };
        bytes.push(high * 16 + low);
    }
    let text = String::from_utf8(bytes).map_err(|_| UrlError::Encoding)?;
    // A line break would end the header that carries it.
    if text.chars().any(char::is_control) {
        return Err(UrlError::Encoding);
    }
    Ok(text)
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl fmt::Debug for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteUrl")
            .field("address", &self.address)
            .field(
                "credentials",
                &self.credentials.as_ref().map(|_| "[redacted]"),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_forms_are_taken() {
        for text in [
            "https://git.example.com/group/project.git",
            "http://127.0.0.1:3000/group/project",
            "http://[::1]:3000/group/project",
            "ssh://git@git.example.com:2222/group/project.git",
            "git@git.example.com:group/project.git",
            "file:///srv/git/project.git",
            "/srv/git/my project.git",
        ] {
            let url = RemoteUrl::parse(text).unwrap();
            assert_eq!((url.address(), url.credentials()), (text, None));
        }
    }

    #[test]
    fn a_password_stands_in_no_text() {
        let url = RemoteUrl::parse("https://ann:p%40ss@git.example.com/a/b").unwrap();
        assert_eq!(url.credentials(), Some(("ann", "p@ss")));
        assert_eq!(url.to_string(), "https://git.example.com/a/b");
        assert!(!format!("{url:?}").contains("ss\""), "{url:?}");
        let token = RemoteUrl::parse("https://token@git.example.com/a/b").unwrap();
        assert_eq!(token.credentials(), Some(("token", "")));
    }

    #[test]
    fn options_commands_and_other_protocols_are_refused() {
        let long = format!("/{}", "a".repeat(LONGEST));
        let table = [
            ("", UrlError::Length),
            (&long, UrlError::Length),
            ("--upload-pack=touch /tmp/x", UrlError::Character),
            ("--upload-pack=touch", UrlError::Form),
            ("-u@h:p", UrlError::Host),
            ("ext::sh", UrlError::Form),
            ("git@ext::sh", UrlError::Form),
            ("ext::sh -c true", UrlError::Character),
            ("fd::17/foo", UrlError::Form),
            ("git://git.example.com/a", UrlError::Form),
            ("ftp://git.example.com/a", UrlError::Form),
            ("file://host/a", UrlError::Path),
            ("../project", UrlError::Form),
            ("project", UrlError::Form),
            ("C:project", UrlError::Form),
            ("https://git.example.com", UrlError::Path),
            ("https://git.example.com/", UrlError::Path),
            ("https:///a", UrlError::Host),
            ("https://-x/a", UrlError::Host),
            ("https://h:99999/a", UrlError::Host),
            ("https://h:/a", UrlError::Host),
            ("https://h/a?b", UrlError::Query),
            ("https://a%zz@h/b", UrlError::Encoding),
            ("https://a%0d%0aX-Evil:1@h/b", UrlError::Encoding),
            ("https://h/a\nb", UrlError::Character),
            ("ssh://-oProxyCommand=x/a", UrlError::Host),
            ("ssh://u:p@h/a", UrlError::Password),
            ("ssh://h/-a", UrlError::Path),
            ("git@-oProxyCommand=x:a", UrlError::Host),
            ("git@h:-a", UrlError::Path),
            ("git@h:", UrlError::Path),
        ];
        for (text, error) in table {
            assert_eq!(RemoteUrl::parse(text), Err(error), "{text}");
        }
    }
}
