//! What keeps other sites out.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::error::PageError;
use crate::App;

/// Nothing that is not ours is loaded, nothing inline is run, and no other site shows a page of ours in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Headers of every page.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    protect(response.headers_mut());
    response
}

/// Sets the headers that every page has.
pub(super) fn protect(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What somebody may see is nobody else's, and old states mislead.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Lets only requests through that a page of ours made. The session's cookie is not sent with forms of other sites either
/// (`SameSite=Lax`); this holds where a browser, or a site below the same domain, does not keep to that.
pub(super) async fn same_origin(State(app): State<App>, request: Request, next: Next) -> Response {
    // Reading changes nothing, and where only sending is possible it is refused anyway.
    let reads = request.method().is_safe();
    if reads || is_ours(request.headers(), app.fleet().url()) {
        next.run(request).await
    } else {
        let text = "This did not come from a page of this coordinator.";
        PageError::new(StatusCode::FORBIDDEN, text).into_response()
    }
}

/// Browsers say where a request comes from in `Sec-Fetch-Site`, older ones only in `Origin`. A request with neither comes from no page.
fn is_ours(headers: &HeaderMap, url: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text(&HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => text(&header::ORIGIN).is_some_and(|origin| {
            let host = text(&header::HOST).unwrap_or_default();
            let own = ["http://", "https://"].map(|scheme| format!("{scheme}{host}"));
            origin == url || (!host.is_empty() && own.iter().any(|own| own == origin))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_may_ask() {
        let table: [(&[(&str, &str)], bool); 9] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://ci.example.com")], true),
            (&[("origin", "http://ci:8080"), ("host", "ci:8080")], true),
            (
                &[("origin", "https://evil.example"), ("host", "ci:8080")],
                false,
            ),
            (&[("origin", "null")], false),
            (&[], false),
        ];
        for (headers, expected) in table {
            let headers = headers.iter().map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            });
            let headers: HeaderMap = headers.collect();
            assert_eq!(
                is_ours(&headers, "https://ci.example.com"),
                expected,
                "{headers:?}"
            );
        }
    }
}
