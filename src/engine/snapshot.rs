//! The states of all jobs at one moment, and what each waits for.

use std::fmt;

use aqueduct_core::{
    id::JobId,
    run::{JobRules, Status},
    sched,
    time::{Millis, Timestamp},
    verdict::Verdict,
};

use crate::pipeline::Pipeline;

/// The states of all jobs at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The pipeline's status.
    pub status: Status,
    /// The jobs, in the plan's order.
    pub jobs: Vec<JobSnapshot>,
}

impl Snapshot {
    /// The job of that full name.
    pub fn job(&self, name: &str) -> Option<&JobSnapshot> {
        self.jobs.iter().find(|job| job.name == name)
    }
}

/// A job at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSnapshot {
    /// Its id.
    pub id: JobId,
    /// Full name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Where it stands.
    pub status: Status,
    /// Since when.
    pub since: Timestamp,
    /// Its attempt, 0 before the first.
    pub attempt: u32,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Why it didn't succeed.
    pub verdict: Option<Verdict>,
    /// It failed, and was allowed to.
    pub allow_failure: bool,
    /// Length of the last attempt so far; zero without one.
    pub duration: Millis,
}

/// What a job waits for. Its `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Other jobs.
    Jobs {
        /// Full name of the first of them; `None` if the pipeline is just about to start it.
        first: Option<String>,
        /// How many more.
        others: usize,
    },
    /// A person.
    Play,
    /// Its time.
    Until(Timestamp),
    /// Its resource group.
    Resource {
        /// The group.
        group: String,
        /// The job that has it.
        holder: Option<String>,
    },
    /// A runner with a free slot.
    Slot,
    /// A runner that would take it: none that is known does, and this is why.
    Runner(String),
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jobs { first, others } => match (first, others) {
                (None, _) => f.write_str("waits for its turn"),
                (Some(first), 0) => write!(f, "waits for {first}"),
                (Some(first), others) => write!(f, "waits for {first} and {others} more"),
            },
            Self::Play => f.write_str("waits to be played"),
            Self::Until(_) => f.write_str("waits for its time"),
            Self::Resource { group, holder } => match holder {
                Some(holder) => write!(f, "waits for resource group {group}, which {holder} has"),
                None => write!(f, "waits for resource group {group}"),
            },
            Self::Slot => f.write_str("waits for a free slot"),
            Self::Runner(why) => f.write_str(why),
        }
    }
}

/// The states of all jobs now.
pub(crate) fn snapshot(pipeline: &Pipeline, now: Timestamp) -> Snapshot {
    let jobs = &pipeline.plan().jobs;
    Snapshot {
        status: pipeline.state().status,
        jobs: (0..jobs.len())
            .map(|at| job_snapshot(pipeline, at, now))
            .collect(),
    }
}

fn job_snapshot(pipeline: &Pipeline, at: usize, now: Timestamp) -> JobSnapshot {
    let (job, state) = (&pipeline.plan().jobs[at], &pipeline.state().jobs[at]);
    let ending = state.ending.as_ref();
    JobSnapshot {
        id: Pipeline::id(at),
        name: job.name.clone(),
        stage: job.stage.clone(),
        status: state.status,
        since: state.since,
        attempt: state.attempt,
        waiting: waiting(pipeline, at),
        verdict: ending.and_then(|end| end.verdict.clone()),
        allow_failure: ending.is_some_and(|end| end.allowed),
        duration: match (state.lease, ending) {
            (Some(lease), _) => now.since(lease.taken),
            (None, Some(end)) => end
                .taken
                .map_or(Millis(0), |taken| state.since.since(taken)),
            (None, None) => Millis(0),
        },
    }
}

/// What a job waits for; `None` if it runs or has ended.
pub(crate) fn waiting(pipeline: &Pipeline, at: usize) -> Option<Waiting> {
    let (state, rules) = (&pipeline.state().jobs[at], &pipeline.rules().jobs);
    match state.status {
        Status::Created => Some(unfinished(pipeline, &rules[at])),
        Status::Manual => Some(Waiting::Play),
        Status::Scheduled => Some(Waiting::Until(state.since + rules[at].start_in)),
        Status::WaitingForResource => {
            let group = rules[at].resource_group.clone().unwrap_or_default();
            let holder = pipeline.holder(&group).map(|at| rules[at].name.clone());
            Some(Waiting::Resource { group, holder })
        }
        Status::Pending => {
            let offers = pipeline.offers();
            // Before the first runner asks, nothing is wrong yet.
            let refusal =
                (!offers.is_empty()).then(|| sched::refusal(&pipeline.plan().jobs[at], offers));
            let reason = |verdict: Verdict| Waiting::Runner(verdict.cause);
            Some(refusal.flatten().map_or(Waiting::Slot, reason))
        }
        _ => None,
    }
}

fn unfinished(pipeline: &Pipeline, job: &JobRules) -> Waiting {
    let (rules, states) = (&pipeline.rules().jobs, &pipeline.state().jobs);
    let waits_for = |other: &usize| match &job.needs {
        Some(needs) => needs.contains(other),
        None => rules[*other].stage < job.stage,
    };
    let open = |other: &usize| !states[*other].status.is_terminal();
    let mut jobs = (0..rules.len()).filter(open).filter(waits_for);
    Waiting::Jobs {
        first: jobs.next().map(|other| rules[other].name.clone()),
        others: jobs.count(),
    }
}
