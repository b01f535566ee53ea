//! Asking for a job, and taking it.

use std::time::Duration;

use aqueduct_core::{
    api::runner::{
        EXTENSION_VERSION, JobRequest, JobState, Payload, Secret, http, payload::JobInfo,
        request::RequestExtension,
    },
    sched::Offer,
};
use aqueduct_ports::work::{Assignment, WorkError};
use reqwest::{Method, Response, StatusCode};
use tokio::time::{Instant, sleep, sleep_until};

use super::{HttpWorkSource, held::text, lock, unavailable};
use crate::{api::refused, assignment::assignment, error::ClientError};

/// What is asked, for messages.
const WHAT: &str = "ask for a job";
/// Between two questions to a server that holds none back, from begin to begin.
const INTERVAL: Duration = Duration::from_secs(3);
/// Between two questions, at least.
const LEAST: Duration = Duration::from_millis(10);
/// A server may hold a question this long, and a little more for the way.
const LONGEST_HOLD: Duration = Duration::from_mins(2);
/// Refusals of the token in a row after which we ask seldom.
const MANY_REFUSALS: u32 = 3;
/// How seldom.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// What became of a question.
enum Answer {
    Job(Vec<u8>),
    /// None; `moved` if the queue did.
    None {
        moved: bool,
    },
}

impl HttpWorkSource {
    /// Asks until there is a job. One question at a time: the runner's pool takes care of that.
    pub(super) async fn next_job(&self, offer: &Offer) -> Result<Assignment, WorkError> {
        loop {
            let begun = Instant::now();
            match self.ask(offer).await? {
                Answer::Job(body) => {
                    if let Some(assignment) = self.take(&body, offer).await {
                        return Ok(assignment);
                    }
                }
                Answer::None { moved } if moved || begun.elapsed() >= INTERVAL => {
                    sleep(LEAST).await;
                }
                Answer::None { .. } => sleep_until(begun + INTERVAL).await,
            }
        }
    }

    async fn ask(&self, offer: &Offer) -> Result<Answer, WorkError> {
        let body = JobRequest {
            token: self.identity.token.clone(),
            system_id: self.identity.system_id.clone(),
            last_update: lock(&self.cursor).clone(),
            info: self.identity.info.clone(),
            session: None,
            aqueduct: Some(RequestExtension {
                version: EXTENSION_VERSION,
                instance: self.identity.instance.clone(),
                offer: offer.clone(),
                held: Some(self.leases.jobs()),
            }),
        };
        let make = || {
            let request = self.api.request(Method::POST, http::REQUEST);
            let request = request.header(http::RUNNER_TOKEN, body.token.expose());
            request.timeout(LONGEST_HOLD).json(&body)
        };
        let response = self.api.send(WHAT, make).await;
        let response = response.map_err(|error| unavailable(&error))?;
        let moved = self.move_cursor(&response, &body.last_update);
        match response.status() {
            StatusCode::CREATED => {
                *lock(&self.refusals) = 0;
                let body = response.bytes().await;
                let body = body.map_err(|error| unavailable(&ClientError::no_answer(&error)))?;
                Ok(Answer::Job(body.into()))
            }
            StatusCode::NO_CONTENT => {
                *lock(&self.refusals) = 0;
                Ok(Answer::None { moved })
            }
            StatusCode::FORBIDDEN => Err(self.token_refused(response).await),
            _ => Err(unavailable(&refused(WHAT, response).await)),
        }
    }

    /// Remembers the queue's cursor; whether it is another than was sent.
    fn move_cursor(&self, response: &Response, sent: &str) -> bool {
        match text(response.headers(), http::LAST_UPDATE) {
            Some(new) if !new.is_empty() => {
                new.clone_into(&mut lock(&self.cursor));
                new != sent
            }
            _ => false,
        }
    }

    /// A token that was valid may be again: we go on, seldom.
    async fn token_refused(&self, response: Response) -> WorkError {
        let refusals = {
            let mut refusals = lock(&self.refusals);
            *refusals += 1;
            *refusals
        };
        let error = refused("this runner's token is not valid", response).await;
        if refusals >= MANY_REFUSALS {
            tracing::error!(%error, "asking every {} seconds", REFUSED_PAUSE.as_secs());
            sleep(REFUSED_PAUSE).await;
        }
        unavailable(&error)
    }

    /// Holds the job and says so at once; `None` if it turns out not to be ours.
    async fn take(&self, body: &[u8], offer: &Offer) -> Option<Assignment> {
        let payload = payload(body)?;
        let assignment = assignment(&payload, offer, self.leases.next_number());
        let lease = &assignment.lease;
        let grace = self.identity.grace;
        let held = self
            .leases
            .hold(lease, &payload, assignment.lease_time, grace);
        let update = self.update(&held, JobState::Running);
        match self.put(&held, &update).await {
            Ok(response) if response.status() == StatusCode::CONFLICT => {
                tracing::info!(job = payload.id, "another runner has it");
            }
            Ok(response) if held.hear(&response).is_err() => {
                tracing::info!(job = payload.id, "the job was taken back");
            }
            Ok(_) => return Some(assignment),
            Err(error) => {
                // The next sign of life may get through.
                tracing::warn!(job = payload.id, %error, "can't confirm");
                return Some(assignment);
            }
        }
        self.leases.forget(lease);
        None
    }
}

/// The payload; of one that can't be read, as much as it takes to fail the job in its own trace.
fn payload(body: &[u8]) -> Option<Payload> {
    let error = match serde_json::from_slice(body) {
        Ok(payload) => return Some(payload),
        Err(error) => error,
    };
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let (Some(id), Some(token)) = (value["id"].as_u64(), value["token"].as_str()) else {
        tracing::error!(%error, "a job that can't be read: its server will miss it");
        return None;
    };
    tracing::error!(job = id, %error, "a job that can't be read");
    Some(Payload {
        id,
        token: Secret::from(token),
        job_info: JobInfo {
            name: format!("job {id}"),
            ..JobInfo::default()
        },
        // Steps that nobody knows: the job is refused with these words.
        steps: vec![aqueduct_core::api::runner::payload::Step {
            name: format!("of a payload that can't be read: {error}"),
            ..Default::default()
        }],
        ..Payload::default()
    })
}
