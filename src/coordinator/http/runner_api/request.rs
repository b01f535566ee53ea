//! `POST jobs/request` (runner-protocol 3).

use std::time::{Duration, Instant};

use aqueduct_core::{
    api::runner::{JobRequest, Payload, http},
    id::GlobalJobId,
};
use aqueduct_engine::fleet::{Claim, Claimer};
use aqueduct_ports::store::{RunnerKind, RunnerRow, Sighting};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    super::{body::LooseJson, error::ApiError, token::header_or},
    handout::{Asker, Unfit, payload},
    offer::offer,
    runners::{find, info_json},
};
use crate::App;

/// What is answered as the queue's cursor. Its value says nothing: a request that is held is woken by the job itself, and a
/// runner that sends a cursor back says that it can wait.
const CURSOR: &str = "1";

/// Hands out a job. A runner that knows how is held until there is one.
pub(super) async fn request(
    State(app): State<App>,
    headers: HeaderMap,
    LooseJson(asked): LooseJson<JobRequest>,
) -> Result<Response, ApiError> {
    let token = header_or(&headers, http::RUNNER_TOKEN, &asked.token);
    let runner = find(&app, &token).await?;
    let caller = asker(&app, &asked, &runner).await?;
    if runner.settings.paused || app.is_draining() {
        return Ok(nothing());
    }
    let wait = if asked.last_update.is_empty() {
        Duration::ZERO
    } else {
        app.config.poll
    };
    let receiver = Asker {
        runner: &runner,
        token: &token,
        ours: asked.aqueduct.is_some(),
    };
    let deadline = Instant::now() + wait;
    loop {
        let held = app.metrics.hold();
        let left = deadline.saturating_duration_since(Instant::now());
        let found = tokio::select! {
            found = app.fleet().claim(&caller, left) => found?,
            () = app.drained() => None,
        };
        drop(held);
        let Some(claim) = found else {
            return Ok(nothing());
        };
        if let Some(payload) = hand_out(&app, claim, &receiver).await? {
            return Ok((StatusCode::CREATED, Json(payload)).into_response());
        }
    }
}

/// What a runner gets of a job that it claimed; `None` if the job can't be run and has failed of that. A job that can't be handed out
/// now goes back: whoever asked knows nothing of it.
async fn hand_out(app: &App, claim: Claim, asker: &Asker<'_>) -> Result<Option<Payload>, ApiError> {
    let holder = app.fleet().holder(&claim.report_token);
    let (error, verdict) = match payload(app, claim, asker).await {
        Ok(payload) => return Ok(Some(payload)),
        Err(Unfit::Later(error)) => (Some(error), None),
        Err(Unfit::Never(verdict)) => (None, Some(verdict)),
    };
    if let Some(holder) = holder {
        match verdict {
            Some(verdict) => app.fleet().fail(&holder, verdict).await?,
            None => app.fleet().hand_back(&holder).await?,
        }
    }
    error.map_or(Ok(None), Err)
}

fn nothing() -> Response {
    let headers = [(http::LAST_UPDATE, CURSOR), (http::BUILDS_POLLING, "yes")];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Who asks. A new process in place of an old one says that the old one is dead, with all that it had; one that tells what it has,
/// that whatever else it was handed never reached it.
async fn asker(app: &App, asked: &JobRequest, runner: &RunnerRow) -> Result<Claimer, ApiError> {
    let sighting = Sighting {
        runner: runner.id,
        system_id: asked.system_id.clone(),
        instance: asked.aqueduct.as_ref().map(|own| own.instance.clone()),
        info: info_json(&asked.info),
        now: app.ports.clock.now(),
    };
    let seen = app.fleet().seen_manager(&sighting).await?;
    let held = asked.aqueduct.as_ref().and_then(|own| own.held.as_ref());
    if seen.replaced.is_some() || held.is_some() {
        let held = held.into_iter().flatten().copied().map(GlobalJobId);
        let lost = app.fleet().manager_holds(seen.manager, held.collect());
        let lost = lost.await?;
        if lost > 0 {
            tracing::info!(runner = %runner.id, lost, "jobs did not reach a runner, or died with it");
        }
    }
    Ok(Claimer {
        manager: seen.manager,
        offer: offer(asked, runner),
        project: match runner.kind {
            RunnerKind::Instance => None,
            RunnerKind::Project(project) => Some(project),
        },
        maximum_timeout: runner.settings.maximum_timeout,
    })
}
