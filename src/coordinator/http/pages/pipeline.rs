//! A pipeline.

use aqueduct_core::id::PipelineId;
use aqueduct_engine::fleet::FleetError;
use aqueduct_pages::{Nav, PipelineFacts, PipelinePage, Shell};
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};

use super::{
    commits,
    error::{PageError, page},
    session::Viewer,
};
use crate::App;

pub(super) async fn show(
    State(app): State<App>,
    Viewer(person): Viewer,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Response, PageError> {
    let id = PipelineId(id?.0);
    let facts = facts(&app, id).await;
    let facts = facts.map_err(|error| error.seen_by(person.clone()))?;
    let title = format!(
        "{} · Pipeline #{id} · {}",
        facts.row.head.status, facts.project
    );
    let shell = Shell::new(title, &person, Nav::Pipelines).live(format!("/events?pipeline={id}"));
    let now = app.ports.clock.now();
    page(StatusCode::OK, &PipelinePage::new(shell, &facts, now))
}

async fn facts(app: &App, id: PipelineId) -> Result<PipelineFacts, PageError> {
    let facts = match app.fleet().view(id).await {
        Ok(view) => PipelineFacts {
            commit: commits::note(app, view.row.project, &view.row.sha).await,
            row: view.row,
            project: view.project,
            plan: Some(view.plan),
            jobs: view.jobs,
            places: view.places,
            releases: view.releases,
        },
        // One that could not be compiled has no jobs, but says why.
        Err(FleetError::NoPipeline(id)) => {
            let row = app.store().pipeline(id).await?;
            let row = row.ok_or_else(PageError::missing)?;
            let project = app.store().project(row.project).await?;
            PipelineFacts {
                commit: commits::note(app, row.project, &row.sha).await,
                project: project.map(|project| project.path).unwrap_or_default(),
                row,
                plan: None,
                jobs: Vec::new(),
                places: Vec::new(),
                releases: Vec::new(),
            }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(facts)
}
