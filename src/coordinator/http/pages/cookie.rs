//! The cookie of a session.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// Its name where the coordinator is reached by HTTPS: browsers then take it from this host and over HTTPS only.
const SECURE: &str = "__Host-aqueduct";
/// Its name elsewhere.
const PLAIN: &str = "aqueduct";

fn is_secure(url: &str) -> bool {
    url.starts_with("https://")
}

/// What the browser keeps for a coordinator at this address.
pub(super) fn read(headers: &HeaderMap, url: &str) -> Option<String> {
    let wanted = if is_secure(url) { SECURE } else { PLAIN };
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = pairs.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Has the browser keep a value so long; scripts don't see it, and other sites' forms come without it. Links from elsewhere, such as
/// a commit's status, do come with it: `Strict` would lead everybody who follows one to the login.
pub(super) fn write(value: &str, age: Duration, url: &str) -> Option<HeaderValue> {
    let (name, secure) = if is_secure(url) {
        (SECURE, "; Secure")
    } else {
        (PLAIN, "")
    };
    let seconds = age.as_secs();
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_comes_back() {
        for (url, secure) in [("https://ci", true), ("http://ci", false)] {
            let written = write("aqs-1", Duration::from_mins(1), url).unwrap();
            let text = written.to_str().unwrap();
            assert!(text.contains("; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"));
            assert_eq!(text.ends_with("; Secure"), secure);
            let mut headers = HeaderMap::new();
            let pair = text.split(';').next().unwrap();
            let sent = format!("other=1; {pair}; x");
            headers.insert(header::COOKIE, HeaderValue::from_str(&sent).unwrap());
            assert_eq!(read(&headers, url).as_deref(), Some("aqs-1"));
            assert_eq!(read(&HeaderMap::new(), url), None);
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("aqueduct=1"));
        assert_eq!(read(&headers, "https://ci"), None);
    }
}
