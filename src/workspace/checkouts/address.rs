//! Where a repository is, apart from who may read it.

use std::path::Path;

use aqueduct_ports::workspace::WorkspaceError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::Url;

use crate::{error::Result, project};

/// A repository's address.
#[derive(Clone)]
pub(super) struct Address {
    /// Without a password.
    url: String,
    login: Option<Login>,
}

/// What is sent along, and to whom.
#[derive(Clone)]
struct Login {
    /// `http://host:port/`.
    site: String,
    header: String,
    password: String,
}

impl Address {
    /// Takes apart a URL with user and password, or a path.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if Path::new(text).is_absolute() {
            return Ok(Self {
                url: text.to_owned(),
                login: None,
            });
        }
        let invalid = || {
            // Not the text itself: it may hold a password.
            WorkspaceError::Refused(
                "the job has no repository that git could fetch from".to_owned(),
            )
        };
        let mut url = Url::parse(text).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https" | "ssh" | "git" | "file") {
            return Err(invalid());
        }
        let login = match url.password() {
            Some(password) if url.scheme().starts_with("http") => Some(Login {
                site: format!("{}/", url.origin().ascii_serialization()),
                header: header(url.username(), password),
                password: decoded(password),
            }),
            _ => None,
        };
        if login.is_some() {
            // Neither fails for a URL with a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        Ok(Self {
            url: url.into(),
            login,
        })
    }

    /// What `git` is told.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Settings that let `git` in.
    pub(super) fn settings(&self) -> Option<(String, String)> {
        let login = self.login.as_ref()?;
        let key = format!("http.{}.extraHeader", login.site);
        Some((key, format!("Authorization: {}", login.header)))
    }

    /// A text without the password.
    pub(super) fn masked(&self, text: &str) -> String {
        match &self.login {
            Some(login) if !login.password.is_empty() => text.replace(&login.password, "[MASKED]"),
            _ => text.to_owned(),
        }
    }

    /// The repository's own name, for a directory.
    pub(super) fn name(&self) -> String {
        project::display_name(Path::new(self.path()))
    }

    /// Name of the project's folders among other projects'.
    pub(super) fn folder(&self) -> String {
        project::folder_name(Path::new(self.path_with_host()))
    }

    fn path(&self) -> &str {
        let path = self.url.trim_end_matches('/');
        path.strip_suffix(".git").unwrap_or(path)
    }

    fn path_with_host(&self) -> &str {
        let path = self.path();
        path.split_once("://").map_or(path, |(_, rest)| rest)
    }
}

fn header(user: &str, password: &str) -> String {
    let pair = format!("{}:{}", decoded(user), decoded(password));
    format!("Basic {}", STANDARD.encode(pair))
}

/// Takes the percent signs of a URL's part away.
fn decoded(part: &str) -> String {
    let query = format!("x={}", part.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_goes_into_a_header_for_that_site_alone() {
        let address =
            Address::parse("http://gitlab-ci-token:glcbt-a%40b@ci.example:81/g/demo.git").unwrap();
        assert_eq!(address.url(), "http://ci.example:81/g/demo.git");
        let (key, value) = address.settings().unwrap();
        assert_eq!(key, "http.http://ci.example:81/.extraHeader");
        let encoded = value.strip_prefix("Authorization: Basic ").unwrap();
        let pair = STANDARD.decode(encoded).unwrap();
        assert_eq!(pair, b"gitlab-ci-token:glcbt-a@b");
        assert_eq!(address.name(), "demo");
        assert!(address.folder().starts_with("demo-"));
        assert_eq!(address.masked("no glcbt-a@b"), "no [MASKED]");
    }

    #[test]
    fn what_git_would_take_for_something_else_is_refused() {
        for text in [
            "",
            "--upload-pack=x",
            "ext::sh -c x",
            "ftp://x/y",
            "relative",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        assert_eq!(Address::parse("/srv/demo.git").unwrap().name(), "demo");
        assert!(
            Address::parse("https://x/demo")
                .unwrap()
                .settings()
                .is_none()
        );
    }
}
