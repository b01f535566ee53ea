//! A job, its log, and what can be done with it.

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, PipelineId, ProjectId},
    run::Status,
    time::Millis,
    verdict::Verdict,
};
use aqueduct_ports::store::{JobRow, TracePlace};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{super::error::ApiError, auth::Caller, pipeline::Cancel};
use crate::App;

/// Bytes of a log in one answer.
const PART: u64 = 4 << 20;
/// Where the next part begins.
const NEXT: HeaderName = HeaderName::from_static("x-aqueduct-next-offset");
/// The job's state: a log of a job that has ended grows no more.
const STATUS: HeaderName = HeaderName::from_static("x-aqueduct-job-status");

/// The attempt that the state is of: after another was made, the log that is asked for is an earlier one's.
const ATTEMPT: HeaderName = HeaderName::from_static("x-aqueduct-job-attempt");

/// A job as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: GlobalJobId,
    pipeline: PipelineId,
    project: ProjectId,
    name: String,
    stage: String,
    status: Status,
    attempt: u32,
    /// What it waits for, in words.
    waiting: Option<String>,
    verdict: Option<Verdict>,
    allow_failure: bool,
    duration_ms: Millis,
    updated_at: String,
}

/// Which part of a log.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    from: u64,
    attempt: Option<u32>,
}

pub(super) async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
) -> Result<Json<Shown>, ApiError> {
    let row = find(&app, id).await?;
    let jobs = app.fleet().snapshot(row.pipeline).await?;
    let job = jobs.into_iter().find(|(id, _)| *id == row.id);
    let (_, job) = job.ok_or_else(ApiError::missing)?;
    Ok(Json(Shown {
        id: row.id,
        pipeline: row.pipeline,
        project: row.project,
        name: job.name,
        stage: job.stage,
        status: job.status,
        attempt: job.attempt,
        waiting: job.waiting.map(|waiting| waiting.to_string()),
        verdict: job.verdict,
        allow_failure: job.allow_failure,
        duration_ms: job.duration,
        updated_at: row.updated.rfc3339(),
    }))
}

/// Part of a log as it is, from an offset on; a header says where the next part begins.
pub(super) async fn trace(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
    Query(part): Query<Part>,
) -> Result<Response, ApiError> {
    let row = find(&app, id).await?;
    let attempt = GlobalAttempt {
        job: row.id,
        attempt: part.attempt.unwrap_or(row.attempt),
    };
    let read = app.store().read_trace(attempt, part.from, PART).await?;
    let (length, body) = match read.place {
        TracePlace::Here(bytes) => (bytes.len() as u64, Body::from(bytes)),
        TracePlace::Object(key) => {
            let end = read.head.kept.min(part.from.saturating_add(PART));
            if part.from < end {
                let stream = app.ports.objects.get(&key, Some(part.from..end)).await?;
                (end - part.from, Body::from_stream(stream))
            } else {
                (0, Body::empty())
            }
        }
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (NEXT, HeaderValue::from(part.from.saturating_add(length))),
        (STATUS, HeaderValue::from_static(row.status.name())),
        (ATTEMPT, HeaderValue::from(row.attempt)),
    ];
    Ok((headers, body).into_response())
}

pub(super) async fn cancel(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
    Query(how): Query<Cancel>,
) -> Result<StatusCode, ApiError> {
    app.fleet()
        .cancel_job(GlobalJobId(id), how.force, "canceled by a person")
        .await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn play(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
) -> Result<StatusCode, ApiError> {
    app.fleet().play(GlobalJobId(id)).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn retry(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
) -> Result<StatusCode, ApiError> {
    app.fleet().retry_job(GlobalJobId(id)).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn find(app: &App, id: u64) -> Result<JobRow, ApiError> {
    let row = app.store().job(GlobalJobId(id)).await?;
    row.ok_or_else(ApiError::missing)
}
