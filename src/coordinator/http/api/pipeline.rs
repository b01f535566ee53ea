//! Pipelines and their jobs.

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    run::Status,
    time::Millis,
    verdict::Verdict,
};
use aqueduct_engine::{JobSnapshot, fleet::FleetError};
use aqueduct_ports::store::{Page, PipelineFilter, PipelineRow};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{super::error::ApiError, auth::Caller};
use crate::App;

/// Rows of a page where nothing else is said, and at most.
const PAGE: (u32, u32) = (20, 100);

/// Which pipelines.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    project: Option<ProjectId>,
    /// Full name.
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    status: Option<Status>,
    before: Option<u64>,
    limit: Option<u32>,
}

/// How to cancel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cancel {
    pub(super) force: bool,
}

/// A pipeline as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: PipelineId,
    iid: u64,
    project: ProjectId,
    #[serde(rename = "ref")]
    git_ref: String,
    sha: String,
    source: String,
    name: Option<String>,
    status: Status,
    plan_hash: Option<String>,
    diagnostics: Option<Box<RawValue>>,
    jobs: u32,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
}

/// A job as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct ShownJob {
    id: GlobalJobId,
    name: String,
    stage: String,
    status: Status,
    attempt: u32,
    /// What it waits for, in words.
    waiting: Option<String>,
    verdict: Option<Verdict>,
    allow_failure: bool,
    duration_ms: Millis,
}

pub(super) async fn list(
    State(app): State<App>,
    _caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Shown>>, ApiError> {
    let filter = PipelineFilter {
        project: asked.project,
        git_ref: asked.git_ref,
        status: asked.status,
    };
    let page = Page {
        before: asked.before,
        limit: asked.limit.unwrap_or(PAGE.0).min(PAGE.1),
    };
    let rows = app.store().pipelines(&filter, page).await?;
    Ok(Json(rows.into_iter().map(Shown::from).collect()))
}

pub(super) async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
) -> Result<Json<Shown>, ApiError> {
    let row = app.store().pipeline(PipelineId(id)).await?;
    row.map(|row| Json(row.into()))
        .ok_or_else(ApiError::missing)
}

pub(super) async fn jobs(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
) -> Result<Json<Vec<ShownJob>>, ApiError> {
    let jobs = match app.fleet().snapshot(PipelineId(id)).await {
        // One that could not be compiled has none.
        Err(FleetError::NoPipeline(id)) if app.store().pipeline(id).await?.is_some() => Vec::new(),
        other => other?,
    };
    Ok(Json(jobs.into_iter().map(ShownJob::from).collect()))
}

pub(super) async fn cancel(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
    Query(how): Query<Cancel>,
) -> Result<StatusCode, ApiError> {
    app.fleet()
        .cancel_pipeline(PipelineId(id), how.force, "canceled by a person")
        .await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn retry(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
) -> Result<StatusCode, ApiError> {
    app.fleet().retry_pipeline(PipelineId(id)).await?;
    Ok(StatusCode::ACCEPTED)
}

impl From<PipelineRow> for Shown {
    fn from(row: PipelineRow) -> Self {
        let time = |at: aqueduct_core::time::Timestamp| at.rfc3339();
        Self {
            id: row.id,
            iid: row.iid,
            project: row.project,
            git_ref: row.git_ref,
            sha: row.sha,
            source: row.source,
            name: row.name,
            status: row.head.status,
            plan_hash: row.plan_hash,
            diagnostics: row
                .diagnostics
                .and_then(|json| RawValue::from_string(json).ok()),
            jobs: row.jobs,
            created_at: time(row.created),
            started_at: row.head.started.map(time),
            finished_at: row.head.finished.map(time),
        }
    }
}

impl From<(GlobalJobId, JobSnapshot)> for ShownJob {
    fn from((id, job): (GlobalJobId, JobSnapshot)) -> Self {
        Self {
            id,
            name: job.name,
            stage: job.stage,
            status: job.status,
            attempt: job.attempt,
            waiting: job.waiting.map(|waiting| waiting.to_string()),
            verdict: job.verdict,
            allow_failure: job.allow_failure,
            duration_ms: job.duration,
        }
    }
}
