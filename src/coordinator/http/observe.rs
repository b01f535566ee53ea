//! Every request gets an id that its log lines bear, and is counted.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use prometheus_client::encoding::prometheus_text;
use tracing::Instrument as _;

use crate::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a request.
const LONGEST: usize = 64;
/// What is not one of our routes, clones and what there is not, and methods that nothing of ours answers.
const OTHER: &str = "other";

/// Around every request.
pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = given(request.headers()).unwrap_or_else(|| made(&app));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(OTHER, MatchedPath::as_str);
    let span = tracing::info_span!("request", %id, %method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), begun.elapsed());
    app.metrics
        .answered(method_label(&method), route, status.as_u16(), took);
    span.in_scope(|| tracing::debug!(status = status.as_u16(), ms = took.as_millis(), "answered"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// How a method is counted. Any token is one, and each name would be kept for ever: a stranger's names are one.
fn method_label(method: &Method) -> &str {
    match method.as_str() {
        name @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => name,
        _ => OTHER,
    }
}

/// The id that a proxy or a client gave, if it is one that a log can bear.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let sound = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let fits = !id.is_empty() && id.len() <= LONGEST && id.chars().all(sound);
    fits.then(|| id.to_owned())
}

fn made(app: &App) -> String {
    let mut token = app.fleet().token("");
    token.truncate(16);
    token
}

/// `/metrics`.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    match app.metrics.text(app.fleet()) {
        Ok(text) => ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_that_a_log_can_bear_is_taken_over() {
        let of = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(id).unwrap());
            given(&headers)
        };
        assert_eq!(of("0af7651916cd43dd.1"), Some("0af7651916cd43dd.1".into()));
        for id in ["", "a b", "x\u{fc}", &"x".repeat(LONGEST + 1)] {
            assert_eq!(of(id), None, "{id:?}");
        }
    }
}
