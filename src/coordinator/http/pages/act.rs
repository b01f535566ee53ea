//! What people do on pages. Each goes back to the page that it was done on.

use aqueduct_core::id::{GlobalJobId, PipelineId, ProjectId};
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Redirect,
};
use serde::Deserialize;

use super::{error::PageError, session::Changer};
use crate::App;

type Id = Result<Path<u64>, PathRejection>;
type Done = Result<Redirect, PageError>;

const CAUSE: &str = "canceled by a person";

pub(super) async fn cancel_pipeline(State(app): State<App>, _changer: Changer, id: Id) -> Done {
    let Path(id) = id?;
    app.fleet()
        .cancel_pipeline(PipelineId(id), false, CAUSE)
        .await?;
    Ok(Redirect::to(&format!("/pipelines/{id}")))
}

pub(super) async fn retry_pipeline(State(app): State<App>, _changer: Changer, id: Id) -> Done {
    let Path(id) = id?;
    app.fleet().retry_pipeline(PipelineId(id)).await?;
    Ok(Redirect::to(&format!("/pipelines/{id}")))
}

pub(super) async fn cancel_job(State(app): State<App>, _changer: Changer, id: Id) -> Done {
    let Path(id) = id?;
    app.fleet()
        .cancel_job(GlobalJobId(id), false, CAUSE)
        .await?;
    Ok(Redirect::to(&format!("/jobs/{id}")))
}

pub(super) async fn retry_job(State(app): State<App>, _changer: Changer, id: Id) -> Done {
    let Path(id) = id?;
    app.fleet().retry_job(GlobalJobId(id)).await?;
    Ok(Redirect::to(&format!("/jobs/{id}")))
}

pub(super) async fn play_job(State(app): State<App>, _changer: Changer, id: Id) -> Done {
    let Path(id) = id?;
    app.fleet().play(GlobalJobId(id)).await?;
    Ok(Redirect::to(&format!("/jobs/{id}")))
}

/// Which environment of a project.
#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

pub(super) async fn stop_environment(
    State(app): State<App>,
    _changer: Changer,
    id: Id,
    named: Result<Query<Named>, QueryRejection>,
) -> Done {
    let (Path(id), Query(named)) = (id?, named?);
    let found = app.store().environment(ProjectId(id), &named.name).await?;
    let environment = found.ok_or_else(PageError::missing)?;
    app.tasks.environments.stop(environment).await?;
    Ok(Redirect::to(&format!("/projects/{id}/environments")))
}
