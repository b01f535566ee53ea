//! `PUT jobs/:id` (runner-protocol 4.1).

use aqueduct_core::{
    api::runner::{JobState, JobUpdate, artifact, http, reason},
    verdict::Verdict,
};
use aqueduct_engine::fleet::{End, Holder};
use aqueduct_ports::{executor::Placement, work::JobEnd};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    super::{body::LooseJson, error::ApiError},
    job_auth::{lease_time, over, reporter, standing_headers, text},
    upload::stored_dotenv,
};
use crate::App;

/// A sign of life, or the end.
pub(super) async fn update(
    State(app): State<App>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    LooseJson(update): LooseJson<JobUpdate>,
) -> Result<Response, ApiError> {
    let holder = reporter(&app, id, &headers, &update.token).await?;
    match update.state {
        JobState::Unknown => Err(ApiError::bad(
            "state is none of pending, running, success, failed",
        )),
        JobState::Pending | JobState::Running => {
            let lease = lease_time(&app, &headers);
            let fleet = app.fleet();
            let standing = match placement(&update) {
                Some(placement) => fleet.started(&holder, &placement, lease).await?,
                None => fleet.heartbeat(&holder, lease).await?,
            };
            let headers = standing_headers(&app, &holder, standing).await?;
            Ok((headers, text(StatusCode::OK)).into_response())
        }
        JobState::Success | JobState::Failed => finish(&app, &holder, &update).await,
    }
}

/// Where our own runner says that the script starts.
fn placement(update: &JobUpdate) -> Option<Placement> {
    let started = update.aqueduct.as_ref()?.started.clone()?;
    Some(Placement {
        executor: started.executor,
        arch: started.arch,
        emulated: started.emulated,
        image_digest: started.image_digest,
        platform: started.platform,
    })
}

async fn finish(app: &App, holder: &Holder, update: &JobUpdate) -> Result<Response, ApiError> {
    let left = app.store().artifacts_of(holder.attempt).await?;
    let sum = check_sum(app, holder, update).await?;
    let end = JobEnd {
        verdict: (update.state == JobState::Failed).then(|| verdict(update)),
        exit_code: exit_code(update),
        dotenv: stored_dotenv(app, &left).await?,
        trace_bytes: update.output.bytesize,
        has_artifacts: left.iter().any(|one| one.kind == artifact::ARCHIVE),
        coverage: update
            .aqueduct
            .as_ref()
            .and_then(|own| own.coverage.clone()),
        release: None,
    };
    match app.fleet().finish(holder, &end).await? {
        End::Taken(status) => {
            if !sum {
                tracing::error!(attempt = %holder.attempt, "the trace is not what the runner sent");
            }
            let headers = [(http::JOB_STATUS, status.name())];
            Ok((headers, text(StatusCode::OK)).into_response())
        }
        // The runner sends the rest and reports again, soon.
        End::TraceIncomplete { stored } => {
            let headers = [
                (http::TRACE_UPDATE_INTERVAL, "1".to_owned()),
                (
                    http::RANGE,
                    aqueduct_core::api::runner::range::stored_range(stored),
                ),
            ];
            Ok((StatusCode::ACCEPTED, headers, text(StatusCode::ACCEPTED)).into_response())
        }
        End::Over(status) => Err(over(status)),
    }
}

fn verdict(update: &JobUpdate) -> Verdict {
    let own = update.aqueduct.as_ref().and_then(|own| own.verdict.clone());
    own.unwrap_or_else(|| reason::verdict(&update.failure_reason, exit_code(update)))
}

/// A code that is left out is 0, which says nothing about a job that failed.
fn exit_code(update: &JobUpdate) -> Option<i32> {
    let success = update.state == JobState::Success;
    (success || update.exit_code != 0).then_some(update.exit_code)
}

/// Whether what is stored of a trace is what its runner says it sent. Of a trace that is not, people are told: nothing can mend it
/// (runner-protocol 4.1).
async fn check_sum(app: &App, holder: &Holder, update: &JobUpdate) -> Result<bool, ApiError> {
    let Some(sent) = update.output.crc() else {
        return Ok(true);
    };
    let bytes = update.output.bytesize;
    let head = app.fleet().trace_head(holder.attempt, bytes).await?;
    Ok(head.received != bytes || head.crc32 == sent)
}
