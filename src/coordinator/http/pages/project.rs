//! Projects, their branches and environments.

use std::collections::BTreeMap;

use aqueduct_core::id::ProjectId;
use aqueduct_pages::{Nav, ProjectFacts, ProjectLine, ProjectPage, ProjectsPage, Shell, Shows};
use aqueduct_ports::store::{Head, Page, PipelineFilter, PipelineRow, Project, StoreError};
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use futures_util::future::try_join_all;

use super::{
    error::{PageError, page},
    session::Viewer,
};
use crate::App;

/// Branches whose newest pipeline is looked for: the ones that moved last.
const LOOKED_AT: usize = 50;

pub(super) async fn list(
    State(app): State<App>,
    Viewer(person): Viewer,
) -> Result<Response, PageError> {
    let mut states = app.tasks.heads.states();
    let projects = app.store().projects().await?;
    let lines = projects.into_iter().map(async |project| {
        let last = newest(&app, project.id, None).await?;
        Ok::<_, StoreError>((project, last))
    });
    let lines = try_join_all(lines).await?.into_iter();
    let lines = lines.map(|(project, last)| ProjectLine {
        trouble: states
            .remove(&project.id)
            .and_then(|state| state.error)
            .map(|(_, text)| text),
        project,
        last,
    });
    let shell = Shell::new("Projects", &person, Nav::Projects).live("/events");
    let now = app.ports.clock.now();
    page(
        StatusCode::OK,
        &ProjectsPage::new(shell, lines.collect(), now),
    )
}

pub(super) async fn branches(
    State(app): State<App>,
    viewer: Viewer,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Response, PageError> {
    show(&app, viewer, ProjectId(id?.0), Shows::Branches).await
}

pub(super) async fn environments(
    State(app): State<App>,
    viewer: Viewer,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Response, PageError> {
    show(&app, viewer, ProjectId(id?.0), Shows::Environments).await
}

async fn show(
    app: &App,
    Viewer(person): Viewer,
    id: ProjectId,
    shows: Shows,
) -> Result<Response, PageError> {
    let project = app.store().project(id).await?;
    let project = project.ok_or_else(|| PageError::missing().seen_by(person.clone()))?;
    let what = match shows {
        Shows::Branches => "Branches",
        Shows::Environments => "Environments",
    };
    let title = format!("{what} · {}", project.path);
    let shell = Shell::new(title, &person, Nav::Projects).live(format!("/events?project={id}"));
    let facts = facts(app, project, shows).await?;
    let now = app.ports.clock.now();
    page(StatusCode::OK, &ProjectPage::new(shell, facts, now))
}

async fn facts(app: &App, project: Project, shows: Shows) -> Result<ProjectFacts, StoreError> {
    let mut facts = ProjectFacts {
        shows,
        heads: Vec::new(),
        last: BTreeMap::new(),
        environments: Vec::new(),
        project,
    };
    let id = facts.project.id;
    match shows {
        Shows::Branches => {
            facts.heads = app.store().heads(id).await?;
            facts.last = last(app, id, &facts.heads).await?;
        }
        Shows::Environments => facts.environments = app.store().environments(id).await?,
    }
    Ok(facts)
}

/// The newest pipelines of the refs that moved last.
async fn last(
    app: &App,
    project: ProjectId,
    heads: &[Head],
) -> Result<BTreeMap<String, PipelineRow>, StoreError> {
    let mut newest_first: Vec<&Head> = heads.iter().collect();
    newest_first.sort_by_key(|head| std::cmp::Reverse(head.updated));
    let rows = newest_first.into_iter().take(LOOKED_AT).map(async |head| {
        let row = newest(app, project, Some(&head.name)).await?;
        Ok::<_, StoreError>(row.map(|row| (head.name.clone(), row)))
    });
    Ok(try_join_all(rows).await?.into_iter().flatten().collect())
}

async fn newest(
    app: &App,
    project: ProjectId,
    git_ref: Option<&str>,
) -> Result<Option<PipelineRow>, StoreError> {
    let filter = PipelineFilter {
        project: Some(project),
        git_ref: git_ref.map(str::to_owned),
        status: None,
    };
    let rows = app.store().pipelines(&filter, Page::first(1)).await?;
    Ok(rows.into_iter().next())
}
