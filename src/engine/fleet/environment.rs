//! What jobs do to environments, as effects that are stored with the job's change.

use aqueduct_core::{
    id::GlobalJobId,
    plan::{EnvironmentAction, Plan},
    run::{Effect, EffectKind, Status},
    time::{Millis, Timestamp},
};
use aqueduct_ports::store::NewEffect;
use serde::{Deserialize, Serialize};

use super::{Fleet, FleetError, live::Live};

/// Kind of the effect that a job has on its environment.
pub const ENVIRONMENT: &str = "environment";

/// What a job did to its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentChange {
    /// The environment's name.
    pub name: String,
    /// What is asked for as its name in DNS and clusters.
    pub slug: String,
    /// production, staging, …
    pub tier: String,
    /// Where it can be visited.
    pub url: Option<String>,
    /// The job that did it.
    pub job: GlobalJobId,
    /// It is in use (a deployment began), or was stopped.
    pub stopped: bool,
    /// The job that stops it.
    pub on_stop: Option<GlobalJobId>,
    /// When it stops by itself after that.
    pub auto_stop_in: Option<Millis>,
    /// When.
    pub at: Timestamp,
}

/// What became of the wish that a job stops an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopJob {
    /// It waits for a runner, or runs.
    Started,
    /// It has stopped the environment before.
    Done,
    /// It can't run any more: its pipeline never came that far.
    Impossible,
}

/// The effects on environments among what a change brought about.
pub(super) fn effects(live: &Live, effects: &[Effect], now: Timestamp) -> Vec<NewEffect> {
    let changes = effects.iter().filter_map(|effect| match &effect.kind {
        EffectKind::JobMoved { job, to, .. } => {
            let at = live.pipeline.rules().position(*job)?;
            change(live, at, *to, now)
        }
        _ => None,
    });
    changes
        .filter_map(|change| {
            Some(NewEffect {
                kind: ENVIRONMENT.to_owned(),
                subject: None,
                body: serde_json::to_string(&change).ok()?,
                due: now,
            })
        })
        .collect()
}

/// An environment is in use from the moment that a deployment begins: one that fails halfway may have made something too.
fn change(live: &Live, at: usize, to: Status, now: Timestamp) -> Option<EnvironmentChange> {
    let plan: &Plan = live.pipeline.plan();
    let environment = plan.jobs[at].environment.as_ref()?;
    let stopped = match (environment.action, to) {
        (EnvironmentAction::Start, Status::Running) => false,
        (EnvironmentAction::Stop, Status::Success) => true,
        _ => return None,
    };
    let stops = environment.on_stop.as_ref().and_then(|name| {
        let jobs = &plan.jobs;
        jobs.iter().position(|job| job.name == *name)
    });
    Some(EnvironmentChange {
        name: environment.name.clone(),
        slug: environment.slug.clone(),
        tier: environment.tier.clone(),
        url: environment.url.clone(),
        job: live.job_id(at),
        stopped,
        on_stop: stops.map(|at| live.job_id(at)),
        auto_stop_in: environment.auto_stop_in,
        at: now,
    })
}

impl Fleet {
    /// Lets a job stop its environment, from the plan and the sources that were stored when it was deployed. Idempotent while the
    /// job is on its way.
    pub async fn start_stop_job(&self, id: GlobalJobId) -> Result<StopJob, FleetError> {
        let (pipeline, at) = self.find(id).await?;
        self.act(pipeline, move |live, now| {
            Ok(match live.pipeline.state().jobs[at].status {
                Status::Success => StopJob::Done,
                Status::Manual | Status::Scheduled => started(&live.pipeline.play(at, now)),
                Status::Failed | Status::Canceled => started(&live.pipeline.retry(Some(at), now)),
                Status::Created | Status::Skipped => StopJob::Impossible,
                _ => StopJob::Started,
            })
        })
        .await
    }
}

fn started<E>(done: &Result<(), E>) -> StopJob {
    if done.is_ok() {
        StopJob::Started
    } else {
        StopJob::Impossible
    }
}
