//! Whether the coordinator lives, and whether it can work.

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::App;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
}

/// Ready as long as the store answers, can be written to, and nobody asked it to stop.
async fn ready(State(app): State<App>) -> (StatusCode, String) {
    if app.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into());
    }
    let answers = app.store().meta("ready").await;
    match answers.and_then(|_| app.fleet().trouble().map_or(Ok(()), Err)) {
        Ok(()) => (StatusCode::OK, "ok\n".into()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}
