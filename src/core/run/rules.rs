//! What the machine has to know of a plan.

use std::collections::HashMap;

use super::mutant::Mutant;
use crate::{
    id::JobId,
    plan::{AllowFailure, Plan, PlanJob, Retry, When},
    time::Millis,
};

/// How long things may take, and how often they may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A job that waits for other jobs, for a resource group or for a person is cancelled this long after the pipeline began.
    pub idle: Millis,
    /// A job that no runner takes fails after this long.
    pub pending: Millis,
    /// Added to a job's own timeout and to a cancel's grace, for `after_script`, uploads and the report. A runner that
    /// lives is trusted to keep both; one that doesn't is known by its lease.
    pub slack: Millis,
    /// Grace of a cancel that the machine itself asks for (`auto_cancel:on_job_failure`).
    pub cancel_grace: Millis,
    /// Retries of infrastructure failures.
    pub infrastructure_retries: u32,
    /// How often a job is queued again when its runner is lost before the script started.
    pub claims: u32,
    /// How often a job is queued again when its holder hands it back unfinished: a release, when the coordinator stops.
    pub returns: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Millis::from_secs(30 * 24 * 3600),
            pending: Millis::from_secs(24 * 3600),
            slack: Millis::from_secs(15 * 60),
            cancel_grace: Millis::from_secs(10),
            infrastructure_retries: 2,
            claims: 5,
            returns: 20,
        }
    }
}

/// What the machine has to know of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRules {
    /// Full name.
    pub name: String,
    /// Position of its stage.
    pub stage: u32,
    /// When it starts.
    pub when: When,
    /// Whether its failure counts.
    pub allow_failure: AllowFailure,
    /// Delay of `when: delayed`.
    pub start_in: Millis,
    /// Positions of the jobs it needs; `None` waits for all earlier stages.
    pub needs: Option<Vec<usize>>,
    /// The user's retries.
    pub retry: Retry,
    /// Deadline of an attempt.
    pub timeout: Millis,
    /// Its resource group.
    pub resource_group: Option<String>,
    /// Manual or delayed, but somebody said beforehand that it doesn't wait: nothing behind it is skipped meanwhile.
    pub played: bool,
}

/// What the machine has to know of a pipeline. Made from the plan, never stored.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The jobs, in the plan's order; the position is the job id less one.
    pub jobs: Vec<JobRules>,
    /// Positions of the jobs by stage, in order.
    pub(super) stages: Vec<Vec<usize>>,
    /// `workflow:auto_cancel:on_job_failure: all`.
    pub cancel_on_job_failure: bool,
    /// How long things may take.
    pub limits: Limits,
    /// A deliberate fault, for the tests of the tests.
    pub mutant: Option<Mutant>,
}

impl Rules {
    /// The rules of `plan`. A need that the plan doesn't hold is one that it was allowed to leave out.
    pub fn new(plan: &Plan, limits: Limits) -> Self {
        let places: HashMap<&str, usize> = plan
            .jobs
            .iter()
            .enumerate()
            .map(|(at, job)| (job.name.as_str(), at))
            .collect();
        let jobs: Vec<JobRules> = plan
            .jobs
            .iter()
            .map(|job| job_rules(job, &places))
            .collect();
        Self {
            stages: by_stage(&jobs),
            jobs,
            cancel_on_job_failure: plan.pipeline.cancel_on_job_failure,
            limits,
            mutant: None,
        }
    }

    /// Position of a job.
    pub fn position(&self, job: JobId) -> Option<usize> {
        let at = usize::try_from(job.0).ok()?.checked_sub(1)?;
        (at < self.jobs.len()).then_some(at)
    }

    /// Id of the job at a position.
    pub const fn id(at: usize) -> JobId {
        JobId(at as u64 + 1)
    }
}

fn job_rules(job: &PlanJob, places: &HashMap<&str, usize>) -> JobRules {
    let needs = job.needs.as_ref().map(|needs| {
        needs
            .iter()
            .filter_map(|need| places.get(need.job.as_str()).copied())
            .collect()
    });
    JobRules {
        name: job.name.clone(),
        stage: job.stage_index,
        when: job.when,
        allow_failure: job.allow_failure.clone(),
        start_in: job.start_in.unwrap_or_default(),
        needs,
        retry: job.retry.clone(),
        timeout: job.timeout,
        resource_group: job.resource_group.clone(),
        played: false,
    }
}

fn by_stage(jobs: &[JobRules]) -> Vec<Vec<usize>> {
    let mut stages: Vec<u32> = jobs.iter().map(|job| job.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    let at_stage = |stage: u32| (0..jobs.len()).filter(move |&at| jobs[at].stage == stage);
    stages
        .into_iter()
        .map(|stage| at_stage(stage).collect())
        .collect()
}
