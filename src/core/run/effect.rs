//! What has to happen outside because a state changed.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::{id::JobId, time::Millis, verdict::Verdict};

/// Something to be carried out once, stored in the same transaction as the state that caused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Unique within the pipeline and increasing: who carries effects out twice (after a crash between doing and
    /// noting it) recognises the second by it.
    pub key: u64,
    /// What.
    pub kind: EffectKind,
}

/// What has to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectKind {
    /// Tell whoever watches that a job moved.
    JobMoved {
        /// The job.
        job: JobId,
        /// Its attempt, 0 before the first.
        attempt: u32,
        /// Before.
        from: Status,
        /// After.
        to: Status,
    },
    /// Tell whoever watches that an attempt ended and another will follow.
    Retrying {
        /// The job.
        job: JobId,
        /// The attempt that ended.
        attempt: u32,
        /// Why.
        verdict: Verdict,
        /// What the next attempt is paid from.
        budget: Budget,
    },
    /// Put the job into its resource group's queue.
    RequestResource {
        /// The job.
        job: JobId,
        /// The group.
        group: String,
    },
    /// Take it out again, whether it has the resource or still waits.
    ReleaseResource {
        /// The job.
        job: JobId,
        /// The group.
        group: String,
    },
    /// Make the runner stop an attempt.
    StopAttempt {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: u32,
        /// Its lease.
        token: u64,
        /// Between SIGTERM and SIGKILL.
        grace: Millis,
    },
    /// Tell whoever watches that the pipeline's status changed.
    PipelineMoved {
        /// Before.
        from: Status,
        /// After.
        to: Status,
    },
}

/// What a further attempt is paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// The job's `retry`.
    User,
    /// The one for failures of machines, networks and registries.
    Infrastructure,
    /// Nothing: the script had not started when the runner was lost.
    Claim,
    /// Nothing: the holder stopped and gave the job back.
    Return,
}
