//! `WWW-Authenticate` headers (RFC 9110 section 11.6.1, as registries use it).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What a registry wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from this server.
    Bearer {
        /// URL of the token server.
        realm: String,
        /// Name of the registry at the token server.
        service: Option<String>,
    },
}

impl Challenge {
    /// The strongest challenge of an answer; `None` if it holds none that is understood.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let texts = || {
            headers
                .get_all(WWW_AUTHENTICATE)
                .iter()
                .filter_map(|value| value.to_str().ok())
        };
        texts().find_map(bearer).or_else(|| texts().find_map(basic))
    }
}

fn after_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    let rest = text.get(scheme.len()..)?;
    (head.eq_ignore_ascii_case(scheme) && (rest.is_empty() || rest.starts_with(' ')))
        .then_some(rest)
}

fn basic(text: &str) -> Option<Challenge> {
    after_scheme(text.trim(), "basic").map(|_| Challenge::Basic)
}

fn bearer(text: &str) -> Option<Challenge> {
    let mut realm = None;
    let mut service = None;
    for (key, value) in parameters(after_scheme(text.trim(), "bearer")?) {
        match key.to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value),
            "service" => service = Some(value),
            _ => {}
        }
    }
    Some(Challenge::Bearer {
        realm: realm?,
        service,
    })
}

/// `key="value", key=value` pairs; a comma inside quotes belongs to the value.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some((key, tail)) = rest.split_once('=') {
        let (value, tail) = match tail.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_value(quoted),
            None => match tail.split_once(',') {
                Some((value, tail)) => (value.trim().to_owned(), tail),
                None => (tail.trim().to_owned(), ""),
            },
        };
        out.push((key.trim().to_owned(), value));
        rest = tail.trim_start_matches([',', ' ']);
    }
    out
}

fn quoted_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(index + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn parse(lines: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(line).unwrap());
        }
        Challenge::from_headers(&headers)
    }

    #[test]
    fn challenges_of_real_registries() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(Into::into),
            })
        };
        let table = [
            (
                &[r#"Basic realm="Registry Realm""#][..],
                Some(Challenge::Basic),
            ),
            (&["basic"], Some(Challenge::Basic)),
            (
                &[r#"Bearer realm="https://a/token",service="r",scope="repository:x:pull,push""#],
                bearer("https://a/token", Some("r")),
            ),
            (
                &[r#"BEARER scope="a,b" , realm="https://a/\"q\"" "#],
                bearer("https://a/\"q\"", None),
            ),
            (
                &["Bearer realm=https://a/t,service=s"],
                bearer("https://a/t", Some("s")),
            ),
            (
                &[r#"Basic realm="x""#, r#"Bearer realm="https://a""#],
                bearer("https://a", None),
            ),
            (&["Bearer"], None),
            (&["Negotiate"], None),
            (&["Basically"], None),
            (&[], None),
        ];
        for (lines, expected) in table {
            assert_eq!(parse(lines), expected, "{lines:?}");
        }
    }
}
