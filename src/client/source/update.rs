//! A job's state (runner-protocol 4.1).

use std::time::Duration;

use aqueduct_core::api::runner::{
    EXTENSION_VERSION, JobState, JobUpdate, http, range,
    reason::Reason,
    update::{Started, UpdateExtension},
};
use aqueduct_ports::{
    executor::Placement,
    work::{JobEnd, WorkError},
};
use reqwest::{Method, Response, StatusCode};
use tokio::time::sleep;

use super::{
    HttpWorkSource,
    held::{Held, text},
    unavailable,
};
use crate::{api::refused, error::ClientError};

const WHAT: &str = "tell the job's state";
/// Before a final update is repeated that the server has noted and not finished with, where it names no pause.
const AGAIN: Duration = Duration::from_secs(1);

impl HttpWorkSource {
    pub(super) fn update(&self, held: &Held, state: JobState) -> JobUpdate {
        let output = held.output();
        JobUpdate {
            token: held.token.clone(),
            info: self.identity.info.clone(),
            state,
            checksum: output.checksum.clone(),
            output,
            ..JobUpdate::default()
        }
    }

    pub(super) async fn put(
        &self,
        held: &Held,
        update: &JobUpdate,
    ) -> Result<Response, ClientError> {
        let path = http::job(held.id);
        let make = || {
            let request = self.api.request(Method::PUT, &path);
            request
                .header(http::JOB_TOKEN, held.token.expose())
                .json(update)
        };
        self.api.send(WHAT, make).await
    }

    /// Also hears what is wanted of the job. A refusal that isn't one of the token means nothing.
    pub(super) async fn sign_of_life(&self, held: &Held) -> Result<(), WorkError> {
        let update = self.update(held, JobState::Running);
        let response = self.put(held, &update).await;
        held.hear(&response.map_err(|error| unavailable(&error))?)
    }

    /// Only a server that reads what ours adds has not heard it already.
    pub(super) async fn tell_started(
        &self,
        held: &Held,
        placement: Placement,
    ) -> Result<(), WorkError> {
        if !held.extended {
            return Ok(());
        }
        let mut update = self.update(held, JobState::Running);
        update.aqueduct = Some(UpdateExtension {
            version: EXTENSION_VERSION,
            started: Some(Started {
                executor: placement.executor,
                arch: placement.arch,
                emulated: placement.emulated,
                image_digest: placement.image_digest,
                platform: placement.platform,
            }),
            ..UpdateExtension::default()
        });
        let response = self.put(held, &update).await;
        held.hear(&response.map_err(|error| unavailable(&error))?)
    }

    /// Tells the end until the server is done with it.
    pub(super) async fn tell_end(&self, held: &Held, end: &JobEnd) -> Result<(), WorkError> {
        let update = self.final_update(held, end);
        loop {
            let response = self.put(held, &update).await;
            let response = response.map_err(|error| unavailable(&error))?;
            let stored = text(response.headers(), http::RANGE).and_then(range::stored);
            match response.status() {
                StatusCode::ACCEPTED => match stored {
                    Some(stored) if stored < end.trace_bytes => {
                        return Err(WorkError::TraceIncomplete { stored });
                    }
                    _ => sleep(pause(&response)).await,
                },
                status if status.is_success() => {
                    self.leases.forget(&held.lease);
                    return Ok(());
                }
                StatusCode::PRECONDITION_FAILED => {
                    return Err(WorkError::TraceIncomplete { stored: 0 });
                }
                StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => return Err(held.lose()),
                _ if held.is_refused_for_good() => {
                    let error = refused(WHAT, response).await;
                    tracing::error!(job = held.id, %error, "the end is not taken");
                    return Err(held.lose());
                }
                _ => return Err(unavailable(&refused(WHAT, response).await)),
            }
        }
    }

    fn final_update(&self, held: &Held, end: &JobEnd) -> JobUpdate {
        let Some(verdict) = &end.verdict else {
            let mut update = self.update(held, JobState::Success);
            update.aqueduct = extension(held, end);
            return update;
        };
        let reason = Reason::of(verdict.kind).within(&held.reasons);
        JobUpdate {
            failure_reason: reason.name().to_owned(),
            exit_code: end.exit_code.or(verdict.exit_code).unwrap_or(0),
            aqueduct: extension(held, end),
            ..self.update(held, JobState::Failed)
        }
    }
}

fn extension(held: &Held, end: &JobEnd) -> Option<UpdateExtension> {
    held.extended.then(|| UpdateExtension {
        version: EXTENSION_VERSION,
        verdict: end.verdict.clone(),
        coverage: end.coverage.clone(),
        ..UpdateExtension::default()
    })
}

fn pause(response: &Response) -> Duration {
    let named = text(response.headers(), http::TRACE_UPDATE_INTERVAL);
    let seconds = named.and_then(|text| text.parse().ok());
    seconds
        .map_or(AGAIN, Duration::from_secs)
        .clamp(AGAIN, Duration::from_mins(2))
}
