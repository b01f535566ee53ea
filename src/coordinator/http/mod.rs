//! The surfaces.

mod api;
mod body;
mod error;
mod find;
mod git;
mod health;
mod hooks;
mod links;
mod observe;
mod pages;
mod runner_api;
mod secret;
mod token;

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::get};

pub(crate) use pages::{Commits, Logs};

use crate::App;

/// Longest body of an ordinary request, in bytes: the others say so themselves.
const BODY: usize = 1 << 20;

/// All surfaces.
pub fn router(app: App) -> Router {
    Router::new()
        .nest("/api/v4", runner_api::router())
        .nest("/api/v1", api::router())
        .merge(health::router())
        .merge(hooks::router())
        .route("/metrics", get(observe::metrics))
        .merge(pages::router(&app))
        .fallback(git::serve)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            observe::observe,
        ))
        .with_state(app)
}
