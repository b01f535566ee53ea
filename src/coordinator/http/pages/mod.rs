//! Pages for people with a browser. Each handler reads, hands what it read to [`aqueduct_pages`], and sends what that wrote.
//!
//! A session is a cookie that no script can read. Whatever changes something is a form that is sent from a page of ours
//! ([`guard::same_origin`]); every answer carries a policy that lets no foreign or inline script run.

mod act;
mod assets;
mod commits;
mod cookie;
mod error;
mod events;
mod follow;
mod guard;
mod job;
mod login;
mod logs;
mod pipeline;
mod pipelines;
mod project;
mod session;

use axum::{
    Router, middleware,
    routing::{get, post},
};

pub(crate) use commits::Commits;
pub(crate) use error::{not_found, wants_page};
pub(crate) use logs::Logs;
pub(crate) use session::Viewer;

use crate::App;

/// All pages.
pub(crate) fn router(app: &App) -> Router<App> {
    let actions = Router::new()
        .route("/login", post(login::begin))
        .route("/logout", post(login::end))
        .route("/pipelines/{id}/cancel", post(act::cancel_pipeline))
        .route("/pipelines/{id}/retry", post(act::retry_pipeline))
        .route("/jobs/{id}/cancel", post(act::cancel_job))
        .route("/jobs/{id}/retry", post(act::retry_job))
        .route("/jobs/{id}/play", post(act::play_job))
        .route(
            "/projects/{id}/environments/stop",
            post(act::stop_environment),
        )
        .route_layer(middleware::from_fn_with_state(
            app.clone(),
            guard::same_origin,
        ));
    Router::new()
        .route("/", get(pipelines::all))
        .route("/login", get(login::show))
        .route("/projects", get(project::list))
        .route("/projects/{id}", get(pipelines::of_project))
        .route("/projects/{id}/branches", get(project::branches))
        .route("/projects/{id}/environments", get(project::environments))
        .route("/pipelines/{id}", get(pipeline::show))
        .route("/jobs/{id}", get(job::show))
        .route("/jobs/{id}/raw", get(job::raw))
        .route("/jobs/{id}/log", get(follow::follow))
        .route("/events", get(events::changes))
        .route("/jobs/{id}/artifacts/{kind}", get(job::artifact))
        .merge(actions)
        .layer(middleware::from_fn(guard::headers))
        .route("/static/{hash}/{name}", get(assets::serve))
}
