//! The API for people and their programs: `/api/v1`, JSON, an access token as bearer.

mod auth;
mod environment;
mod job;
mod pipeline;
mod project;
mod runner;
mod webhook;

use axum::{
    Router,
    routing::{get, post},
};

use crate::App;

/// All below `/api/v1`.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/projects", get(project::list).post(project::create))
        .route("/projects/{id}", get(project::show).delete(project::delete))
        .route("/projects/{id}/branches", get(project::branches))
        .route("/projects/{id}/environments", get(environment::list))
        .route("/projects/{id}/look", post(project::look))
        .route("/projects/{id}/webhook-secret", post(webhook::replace))
        .route("/runners", get(runner::list).post(runner::create))
        .route("/runners/{id}", axum::routing::delete(runner::delete))
        .route("/registration-tokens", post(runner::create_registration))
        .route("/pipelines", get(pipeline::list))
        .route("/pipelines/{id}", get(pipeline::show))
        .route("/pipelines/{id}/jobs", get(pipeline::jobs))
        .route("/pipelines/{id}/cancel", post(pipeline::cancel))
        .route("/pipelines/{id}/retry", post(pipeline::retry))
        .route("/jobs/{id}", get(job::show))
        .route("/jobs/{id}/trace", get(job::trace))
        .route("/jobs/{id}/cancel", post(job::cancel))
        .route("/jobs/{id}/play", post(job::play))
        .route("/jobs/{id}/retry", post(job::retry))
}
