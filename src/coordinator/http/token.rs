//! Tokens where requests carry them.

use aqueduct_core::api::runner::Secret;
use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The token of a header, else the one of the body: stock runners send both (runner-protocol 1).
pub(crate) fn header_or(headers: &HeaderMap, name: &str, body: &Secret) -> String {
    let header = headers.get(name).and_then(|value| value.to_str().ok());
    header
        .filter(|token| !token.is_empty())
        .unwrap_or_else(|| body.expose())
        .to_owned()
}

/// `Authorization: Bearer TOKEN`, or GitLab's `PRIVATE-TOKEN: TOKEN`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text(header::AUTHORIZATION.as_str())
        .and_then(|value| value.strip_prefix("Bearer "))
        .or_else(|| text("private-token"))
        .map(|token| token.trim().to_owned())
}

/// The password of basic authentication, whatever the user.
pub(crate) fn basic_password(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded
        .split_once(':')
        .map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn the_header_wins_over_the_body() {
        let body = Secret::new("body");
        let none = HeaderMap::new();
        assert_eq!(header_or(&none, "job-token", &body), "body");
        assert_eq!(
            header_or(&headers("job-token", "head"), "job-token", &body),
            "head"
        );
        assert_eq!(
            header_or(&headers("job-token", ""), "job-token", &body),
            "body"
        );
    }

    #[test]
    fn bearers_and_passwords_are_read_and_nothing_else() {
        assert_eq!(
            bearer(&headers("authorization", "Bearer a")).as_deref(),
            Some("a")
        );
        assert_eq!(bearer(&headers("private-token", "a")).as_deref(), Some("a"));
        assert_eq!(bearer(&headers("authorization", "Basic a")), None);
        let basic = format!("Basic {}", STANDARD.encode("u:p:w"));
        assert_eq!(
            basic_password(&headers("authorization", &basic)).as_deref(),
            Some("p:w")
        );
        for broken in ["Basic !", "Basic dQ==", "Bearer x"] {
            assert_eq!(
                basic_password(&headers("authorization", broken)),
                None,
                "{broken}"
            );
        }
    }
}
