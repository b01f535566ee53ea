//! Handing out jobs.

use std::time::Duration;

use aqueduct_core::{
    id::{GlobalAttempt, ManagerId, ProjectId},
    plan::PlanJob,
    sched::Offer,
    time::{Millis, Timestamp},
    token::TokenHash,
};
use aqueduct_ports::{
    store::PipelineRow,
    work::{Dependency, JobVariable},
};

use super::{
    Fleet, FleetError,
    live::{Live, Tenure},
    queue::Taken,
    variables::server_variables,
};
use crate::{
    Secrets,
    variables::{LeaseContext, job_variables},
};

/// Who asks for a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimer {
    /// Which process.
    pub manager: ManagerId,
    /// What it takes.
    pub offer: Offer,
    /// The only project whose jobs it takes.
    pub project: Option<ProjectId>,
    /// Longest time that it gives a job.
    pub maximum_timeout: Option<Millis>,
}

impl Claimer {
    /// Whether it may have a job at all, whatever it can run.
    pub(super) fn may_have(&self, project: ProjectId) -> bool {
        self.project.is_none_or(|own| own == project)
    }
}

/// A job that was handed out.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The attempt, as the wire knows it.
    pub attempt: GlobalAttempt,
    /// Its pipeline.
    pub pipeline: PipelineRow,
    /// `group/name` of the project.
    pub project_path: String,
    /// The job.
    pub job: PlanJob,
    /// The executor of the offer that takes it.
    pub executor: String,
    /// Its final variables, `CI_JOB_TOKEN` and `CI_REPOSITORY_URL` among them.
    pub variables: Vec<JobVariable>,
    /// Jobs whose artifacts to fetch before the script, in order.
    pub dependencies: Vec<(GlobalAttempt, Dependency)>,
    /// Reports, and never reaches a script.
    pub report_token: String,
    /// `CI_JOB_TOKEN`: reads.
    pub read_token: String,
    /// Where to clone from, with the read token in it.
    pub repository_url: String,
    /// How long it waited for a runner.
    pub waited: Millis,
}

impl Fleet {
    /// The job that has waited longest of those that the claimer may have; waits up to `wait` for one.
    pub async fn claim(
        &self,
        claimer: &Claimer,
        wait: Duration,
    ) -> Result<Option<Claim>, FleetError> {
        let claimer = self.offers.learn(claimer, self.shared.clock.now());
        let deadline = tokio::time::Instant::now() + wait;
        while let Some(taken) = self.shared.queue.next(&claimer, deadline).await {
            if let Some(claim) = self.lease(taken, &claimer).await? {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// Leases a job that was taken out of the line; `None` if it no longer waits.
    async fn lease(
        &self,
        taken: Taken<'_>,
        claimer: &Claimer,
    ) -> Result<Option<Claim>, FleetError> {
        let (id, at) = taken.job();
        let leasing = Leasing {
            at,
            executor: taken.executor.clone(),
            manager: claimer.manager,
            report_token: self.token("glcbt-"),
            read_token: self.token("glcbt-"),
            url: self.url().to_owned(),
            maximum_timeout: claimer.maximum_timeout,
        };
        let leased = self.act(id, move |live, now| Ok(leasing.apply(live, now)));
        let leased = leased.await;
        match leased {
            // It is back in the line by its state, or never was to be in it.
            Ok(claim) => {
                taken.settle();
                Ok(claim)
            }
            // A pipeline that is gone or unreadable must not stop the line.
            Err(FleetError::Store(error)) => Err(error.into()),
            Err(error) => {
                tracing::error!(pipeline = %id, %error, "a job that waits can't be handed out");
                taken.settle();
                Ok(None)
            }
        }
    }

    /// A new token: 256 random bits behind a prefix that tells its kind.
    pub fn token(&self, prefix: &str) -> String {
        use std::fmt::Write as _;
        let mut bytes = [0_u8; 32];
        self.random.fill(&mut bytes);
        bytes.iter().fold(prefix.to_owned(), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// A lease to be taken.
struct Leasing {
    at: usize,
    executor: String,
    manager: ManagerId,
    report_token: String,
    read_token: String,
    /// Where the coordinator is reached.
    url: String,
    maximum_timeout: Option<Millis>,
}

impl Leasing {
    /// `None` if the job does not wait, or can't be handed out.
    fn apply(&self, live: &mut Live, now: Timestamp) -> Option<Claim> {
        let at = self.at;
        let state = &live.pipeline.state().jobs[at];
        if state.status != aqueduct_core::run::Status::Pending {
            return None;
        }
        let since = state.since;
        let mut key = live.pipeline.key(at);
        key.attempt += 1;
        let attempt = GlobalAttempt {
            job: live.job_id(at),
            attempt: key.attempt,
        };
        let repository_url = repository_url(&self.url, &live.project_path, &self.read_token);
        let persisted = server_variables(live, attempt.job, &self.read_token, &repository_url);
        let context = LeaseContext {
            key,
            now,
            persisted: &persisted,
            secrets: &Secrets::default(),
        };
        let mut variables = match job_variables(&live.pipeline, at, &context) {
            Ok(variables) => variables,
            Err(verdict) => {
                live.pipeline.refuse(at, verdict, now);
                return None;
            }
        };
        let mut job = live.pipeline.plan().jobs[at].clone();
        self.cap_timeout(&mut job, &mut variables);
        if live.pipeline.lease(at, now).is_err() {
            return None;
        }
        live.tenures[at] = Tenure {
            manager: Some(self.manager),
            report: Some(TokenHash::of(&self.report_token)),
            read: Some(TokenHash::of(&self.read_token)),
        };
        Some(Claim {
            attempt,
            pipeline: live.row.clone(),
            project_path: live.project_path.clone(),
            job,
            executor: self.executor.clone(),
            variables,
            dependencies: dependencies(live, at),
            report_token: self.report_token.clone(),
            read_token: self.read_token.clone(),
            repository_url,
            waited: now.since(since),
        })
    }

    /// The runner gives a job no more time than its own limit; the pipeline's deadline, which is later, stays.
    fn cap_timeout(&self, job: &mut PlanJob, variables: &mut [JobVariable]) {
        let Some(most) = self.maximum_timeout.filter(|most| *most < job.timeout) else {
            return;
        };
        job.timeout = most;
        let told = variables.iter_mut().find(|one| one.key == "CI_JOB_TIMEOUT");
        if let Some(told) = told {
            told.value = (most.0 / 1000).to_string();
        }
    }
}

fn dependencies(live: &Live, at: usize) -> Vec<(GlobalAttempt, Dependency)> {
    let all = live.pipeline.dependencies(at).into_iter();
    all.filter_map(|dependency| {
        let position = live.pipeline.rules().position(dependency.key.job)?;
        Some((live.attempt(position), dependency))
    })
    .collect()
}

/// `http://gitlab-ci-token:TOKEN@HOST/group/name.git`.
fn repository_url(base: &str, path: &str, token: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    format!("{scheme}://gitlab-ci-token:{token}@{rest}/{path}.git")
}
