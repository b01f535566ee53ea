//! Lists of pipelines.

use std::collections::BTreeMap;

use aqueduct_core::{id::ProjectId, run::Status};
use aqueduct_pages::{ListFacts, ListFilter, Nav, PipelinesPage, Shell};
use aqueduct_ports::store::{JobRow, Page, PipelineFilter, PipelineRow, StoreError};
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    response::Response,
};
use futures_util::future::try_join_all;
use serde::Deserialize;

use super::{
    commits,
    error::{PageError, page},
    session::Viewer,
};
use crate::App;

/// Pipelines on a page.
const LENGTH: u32 = 25;
/// Of pipelines with more jobs the list shows the number alone.
const FEW: u32 = 100;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    status: Option<String>,
    before: Option<u64>,
}

/// Of all projects.
pub(super) async fn all(
    State(app): State<App>,
    Viewer(person): Viewer,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(asked) = asked?;
    let shell = Shell::new("Pipelines", &person, Nav::Pipelines).live("/events");
    list(&app, shell, filter(asked, None)).await
}

/// Of one.
pub(super) async fn of_project(
    State(app): State<App>,
    Viewer(person): Viewer,
    id: Result<Path<u64>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let (Path(id), Query(asked)) = (id?, asked?);
    let project = app.store().project(ProjectId(id)).await?;
    let project = project.ok_or_else(|| PageError::missing().seen_by(person.clone()))?;
    let events = format!("/events?project={id}");
    let shell = Shell::new(project.path.clone(), &person, Nav::Projects).live(events);
    list(&app, shell, filter(asked, Some((project.id, project.path)))).await
}

fn filter(asked: Asked, project: Option<(ProjectId, String)>) -> ListFilter {
    let wanted = asked.status.unwrap_or_default();
    ListFilter {
        // The store finds the pipelines of a ref through its project.
        git_ref: asked
            .git_ref
            .filter(|name| !name.is_empty() && project.is_some()),
        status: Status::ALL
            .into_iter()
            .find(|status| status.name() == wanted),
        before: asked.before,
        project,
    }
}

async fn list(app: &App, shell: Shell, filter: ListFilter) -> Result<Response, PageError> {
    let wanted = PipelineFilter {
        project: filter.project.as_ref().map(|(id, _)| *id),
        git_ref: filter.git_ref.clone(),
        status: filter.status,
    };
    let part = Page {
        before: filter.before,
        limit: LENGTH + 1,
    };
    let mut rows = app.store().pipelines(&wanted, part).await?;
    let more = rows.len() > LENGTH as usize;
    rows.truncate(LENGTH as usize);
    let projects = app.store().projects().await?.into_iter();
    let facts = ListFacts {
        more,
        projects: projects.map(|one| (one.id, one.path)).collect(),
        commits: commits::notes(app, rows.iter().map(|row| (row.project, row.sha.clone()))).await,
        jobs: jobs(app, &rows).await?,
        rows,
    };
    let now = app.ports.clock.now();
    page(
        StatusCode::OK,
        &PipelinesPage::new(shell, filter, &facts, now),
    )
}

/// The jobs of the pipelines that have few.
async fn jobs(
    app: &App,
    rows: &[PipelineRow],
) -> Result<BTreeMap<aqueduct_core::id::PipelineId, Vec<JobRow>>, StoreError> {
    let few = rows.iter().filter(|row| (1..=FEW).contains(&row.jobs));
    let jobs = few.map(async |row| Ok((row.id, app.store().jobs_of(row.id).await?)));
    Ok(try_join_all(jobs).await?.into_iter().collect())
}
