//! The GitLab Runner API, as a stock runner expects it (runner-protocol).

mod cache_keys;
mod download;
mod handout;
mod job_auth;
mod offer;
mod request;
mod runners;
mod trace;
mod update;
mod upload;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    routing::{delete, get, post, put},
};

use crate::App;

/// Longest piece of trace that is taken, in bytes. A stock runner sends 1 MiB at most.
const PIECE: usize = 32 << 20;

/// All below `/api/v4`.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/runners", post(runners::register).delete(runners::delete))
        .route("/runners/verify", post(runners::verify))
        .route("/runners/managers", delete(runners::delete_manager))
        .route("/runners/reset_authentication_token", post(runners::reset))
        .route("/runners/router/discovery", get(no_router))
        .route("/jobs/request", post(request::request))
        .route("/jobs/{id}", put(update::update))
        .route(
            "/jobs/{id}/trace",
            axum::routing::patch(trace::append).layer(DefaultBodyLimit::max(PIECE)),
        )
        .route(
            "/jobs/{id}/artifacts",
            post(upload::upload)
                .get(download::download)
                .layer(DefaultBodyLimit::disable()),
        )
}

/// Jobs are handed out here alone (runner-protocol 2.5).
async fn no_router() -> StatusCode {
    StatusCode::NOT_IMPLEMENTED
}
