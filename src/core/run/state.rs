//! The state of a pipeline, as it is stored.

use serde::{Deserialize, Serialize};

use super::{Rules, Status};
use crate::{
    time::{Millis, Timestamp},
    verdict::Verdict,
};

/// State of a pipeline: its jobs' and the counters that make tokens and keys unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineState {
    /// The composite of the jobs' states, recomputed after every event.
    pub status: Status,
    /// The jobs, in the plan's order.
    pub jobs: Vec<JobState>,
    /// When it was made.
    pub begun: Timestamp,
    pub(super) last_token: u64,
    pub(super) last_key: u64,
}

impl PipelineState {
    /// A pipeline that has not been looked at yet: apply [`super::Event::Tick`] to start it.
    pub fn new(rules: &Rules, now: Timestamp) -> Self {
        Self {
            status: Status::Created,
            jobs: rules.jobs.iter().map(|_| JobState::new(now)).collect(),
            begun: now,
            last_token: 0,
            last_key: 0,
        }
    }

    /// All of it but the jobs, for who keeps those apart.
    #[must_use]
    pub const fn without_jobs(&self) -> Self {
        Self {
            status: self.status,
            jobs: Vec::new(),
            begun: self.begun,
            last_token: self.last_token,
            last_key: self.last_key,
        }
    }

    /// Whether every job has ended.
    pub fn is_terminal(&self) -> bool {
        self.jobs.iter().all(|job| job.status.is_terminal())
    }

    /// Whether nothing will move unless a person plays a manual job.
    pub fn is_at_rest(&self) -> bool {
        !self.jobs.iter().any(|job| job.status.is_active())
    }
}

/// State of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    /// Where it stands.
    pub status: Status,
    /// Since when.
    pub since: Timestamp,
    /// Number of the current or last attempt; every lease is a new one. 0 before the first.
    pub attempt: u32,
    /// The current lease.
    pub lease: Option<LeaseState>,
    /// Set once somebody cancelled the attempt that is going on.
    pub cancel: Option<CancelState>,
    /// Attempts that were paid for.
    pub spent: Spent,
    /// How it ended.
    pub ending: Option<Ending>,
    /// Token of the current or last attempt once its end was taken: a repeat of that report is recognised by it.
    pub reported: Option<u64>,
}

impl JobState {
    const fn new(now: Timestamp) -> Self {
        Self {
            status: Status::Created,
            since: now,
            attempt: 0,
            lease: None,
            cancel: None,
            spent: Spent {
                user: 0,
                infrastructure: 0,
                claims: 0,
                returns: 0,
            },
            ending: None,
            reported: None,
        }
    }
}

/// A runner's hold on an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseState {
    /// Unique within the pipeline, increasing.
    pub token: u64,
    /// When the runner took it.
    pub taken: Timestamp,
    /// When the script started.
    pub started: Option<Timestamp>,
    /// When it ends without a renewal.
    pub expires: Timestamp,
}

/// A cancel that the runner has been, or will be, told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelState {
    /// When.
    pub at: Timestamp,
    /// Between SIGTERM and SIGKILL.
    pub grace: Millis,
    /// Why, in words.
    pub cause: String,
}

/// How many further attempts each budget has paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The user's `retry`.
    pub user: u32,
    /// Infrastructure failures.
    pub infrastructure: u32,
    /// Runners lost before the script started.
    pub claims: u32,
    /// Attempts that were handed back.
    #[serde(default)]
    pub returns: u32,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// `None` is success, or skipped.
    pub verdict: Option<Verdict>,
    /// The script's exit code, where it got that far.
    pub exit_code: Option<i32>,
    /// It failed, and that counts as a warning only.
    pub allowed: bool,
    /// When the last attempt was leased.
    pub taken: Option<Timestamp>,
}
