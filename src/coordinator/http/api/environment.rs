//! Environments of a project.

use aqueduct_core::{id::GlobalJobId, time::Timestamp};
use aqueduct_ports::store::{Environment, EnvironmentState};
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;

use super::{super::error::ApiError, auth::Caller, project};
use crate::App;

/// An environment as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    name: String,
    slug: String,
    tier: String,
    state: &'static str,
    url: Option<String>,
    /// Full name of the ref that it was deployed from last.
    #[serde(rename = "ref")]
    git_ref: String,
    /// The job that deployed to it last.
    deployed_by: Option<GlobalJobId>,
    /// The job that stops it.
    on_stop: Option<GlobalJobId>,
    stops_at: Option<String>,
    updated_at: String,
}

pub(super) async fn list(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Vec<Shown>>, ApiError> {
    let project = project::find(&app, &id).await?;
    let all = app.store().environments(project.id).await?;
    Ok(Json(all.into_iter().map(Shown::from).collect()))
}

impl From<Environment> for Shown {
    fn from(environment: Environment) -> Self {
        Self {
            name: environment.name,
            slug: environment.slug,
            tier: environment.tier,
            state: match environment.state {
                EnvironmentState::Available => "available",
                EnvironmentState::Stopping => "stopping",
                EnvironmentState::Stopped => "stopped",
            },
            url: environment.url,
            git_ref: environment.git_ref,
            deployed_by: environment.deployed_by,
            on_stop: environment.on_stop,
            stops_at: environment.stops_at.map(Timestamp::rfc3339),
            updated_at: environment.updated.rfc3339(),
        }
    }
}
