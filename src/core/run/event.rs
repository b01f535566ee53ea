//! What can happen to a pipeline, and why some of it changes nothing.

use crate::{id::JobId, time::Millis, verdict::Verdict};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time passed: whatever is due happens.
    Tick,
    /// Nobody could be heard for a while (the machine slept, the coordinator was down): runners are not to be blamed
    /// for it.
    Paused {
        /// How long.
        by: Millis,
    },
    /// A runner takes a pending job.
    Lease {
        /// The job.
        job: JobId,
        /// The lease ends after this long without a renewal.
        lease_time: Millis,
    },
    /// The runner is alive.
    Renew {
        /// The job.
        job: JobId,
        /// The lease's token.
        token: u64,
        /// As in `Lease`.
        lease_time: Millis,
    },
    /// The script starts.
    Started {
        /// The job.
        job: JobId,
        /// The lease's token.
        token: u64,
    },
    /// The attempt is over.
    Finished {
        /// The job.
        job: JobId,
        /// The lease's token.
        token: u64,
        /// `None` is success.
        verdict: Option<Verdict>,
        /// The script's exit code, where it got that far.
        exit_code: Option<i32>,
    },
    /// The attempt ended unfinished because its holder stops or was restarted, and doing its work again does no harm.
    HandBack {
        /// The job.
        job: JobId,
        /// The lease's token.
        token: u64,
    },
    /// A pending job can't be given to anybody.
    Refuse {
        /// The job.
        job: JobId,
        /// Why.
        verdict: Verdict,
    },
    /// The job has its resource group for itself.
    ResourceGranted {
        /// The job.
        job: JobId,
    },
    /// Somebody plays a manual job, or starts a delayed one at once.
    Play {
        /// The job.
        job: JobId,
    },
    /// Somebody wants a job that has ended (`Some`) tried again, or all of the pipeline's that failed or were cancelled.
    Retry {
        /// Which.
        job: Option<JobId>,
    },
    /// Somebody cancels a job (`Some`) or the pipeline.
    Cancel {
        /// Which.
        job: Option<JobId>,
        /// Between SIGTERM and SIGKILL. A later, shorter one takes the place of an earlier one.
        grace: Millis,
        /// Why, in words: the verdict's cause.
        cause: String,
    },
}

/// Why an event changed nothing. Late and doubled messages are normal: none of these is a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// The state was made for another plan.
    #[error("the state belongs to another plan")]
    OtherPlan,
    /// The pipeline has no such job.
    #[error("no such job")]
    UnknownJob,
    /// The token is not that of the current lease.
    #[error("the lease is no longer valid")]
    Stale,
    /// The same was reported before.
    #[error("already reported")]
    Repeat,
    /// The job is in no state in which this means anything.
    #[error("the job is in another state")]
    WrongState,
}
