//! What a runner needs of whoever hands out work: over HTTP in a cluster, a direct call in a local run.

use std::time::Duration;

pub use aqueduct_core::sched::{ExecutorOffer, Offer, TagPolicy};
use aqueduct_core::{
    api::runner::Secret, id::AttemptKey, plan::PlanJob, release::ReleaseReport, time::Millis,
    verdict::Verdict,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::executor::Placement;

/// Hands out jobs and hears what becomes of them.
///
/// Every call names the lease's token; a call under an older token is answered with [`WorkError::Stale`], which is
/// normal: the runner drops the attempt.
#[async_trait]
pub trait WorkSource: Send + Sync {
    /// The next job this runner can do. Waits until there is one; `None` means there will be no more.
    async fn lease(&self, offer: &Offer) -> Result<Option<Assignment>, WorkError>;

    /// Extends the lease and hears whether to go on.
    async fn renew(&self, lease: &Lease) -> Result<Directive, WorkError>;

    /// Resolves when the attempt is to be cancelled, or its lease was lost (grace zero); never resolves otherwise. Called
    /// again, it resolves for the next cancel that has a shorter grace: the second Ctrl-C.
    async fn canceled(&self, lease: &Lease) -> Directive;

    /// How long output may wait, so that many small pieces become one call.
    fn trace_pause(&self, _lease: &Lease) -> Duration {
        Duration::from_millis(50)
    }

    /// Appends to the trace at `offset` bytes. Answers the offset that is stored now: a repeat of what is already there is
    /// dropped, a gap is answered with the offset to go on from.
    async fn append_trace(
        &self,
        lease: &Lease,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, WorkError>;

    /// Tells what happened. A repeat of a report is legal. A [`Report::Finished`] whose `trace_bytes` have not all been
    /// appended is refused with [`WorkError::TraceIncomplete`]: send the rest, then report again.
    async fn report(&self, lease: &Lease, report: Report) -> Result<(), WorkError>;
}

/// Proof that an attempt is ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The attempt.
    pub key: AttemptKey,
    /// Changes with every lease of the same job.
    pub token: u64,
}

/// A leased job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The lease.
    pub lease: Lease,
    /// The executor that the job is for, one of the offer's.
    pub executor: String,
    /// The job.
    pub job: PlanJob,
    /// `group/name` of its project, where the source of work vouches for it: variables can say anything.
    pub project: Option<String>,
    /// Variables, highest precedence applied, one entry a name. References among them are expanded; those to names
    /// that only the runner knows (`CI_PROJECT_DIR`, `CI_BUILDS_DIR`) and `$$` are left to it.
    pub variables: Vec<JobVariable>,
    /// What else never shows in the trace: tokens that the runner uses for the job.
    pub masks: Vec<Secret>,
    /// Jobs whose artifacts to fetch before the script, in order.
    pub dependencies: Vec<Dependency>,
    /// Where the job's sources are.
    pub sources: Sources,
    /// Without a renewal for this long the attempt is lost.
    pub lease_time: Millis,
    /// The runner gives the attempt up after it could not reach the source of work for this long. As long as the lease in
    /// one process; longer where the source extends its leases by the time that it was away itself.
    pub patience: Millis,
}

/// Where a job's sources are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sources {
    /// In the run's own snapshot.
    Snapshot,
    /// In a repository that the runner fetches from.
    Git(GitSource),
}

/// A commit in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSource {
    /// The repository, with user and password in the URL where it needs them.
    pub url: Secret,
    /// The commit, in hexadecimal digits.
    pub sha: String,
    /// What to fetch; the commit is in it.
    pub refspecs: Vec<String>,
    /// How many commits of history; 0 is all.
    pub depth: u32,
    /// Whether the repository names its objects by SHA-256.
    pub sha256: bool,
    /// Whether objects of earlier jobs are used where `GIT_STRATEGY` says nothing.
    pub fetch: bool,
}

/// A variable as the job sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobVariable {
    /// Name.
    pub key: String,
    /// Value.
    pub value: String,
    /// Handed over as a file whose path is the variable.
    pub file: bool,
    /// Masked in the trace.
    pub masked: bool,
    /// Holds no references: the runner doesn't expand it.
    #[serde(default)]
    pub raw: bool,
}

/// A job whose artifacts another one fetches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The attempt that succeeded.
    pub key: AttemptKey,
    /// Full name of the job.
    pub name: String,
    /// Name in the file, without its instance: what `index:from:job` says.
    pub base: String,
}

/// What to do with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Directive {
    /// Go on.
    Continue,
    /// Stop it, with this long between SIGTERM and SIGKILL.
    Cancel {
        /// The grace period.
        grace: Millis,
    },
}

/// What a runner tells of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// The script is about to start.
    Started(Placement),
    /// It is over.
    Finished(JobEnd),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobEnd {
    /// `None` is success.
    pub verdict: Option<Verdict>,
    /// Exit code of the script, where it got that far.
    pub exit_code: Option<i32>,
    /// `KEY=value` pairs of its dotenv reports.
    pub dotenv: Vec<(String, String)>,
    /// Length of the whole trace in bytes, as appended.
    pub trace_bytes: u64,
    /// Whether it left artifacts.
    pub has_artifacts: bool,
    /// Value that `coverage` found, as text.
    pub coverage: Option<String>,
    /// What became of the release of an `index` or a `publish` job.
    pub release: Option<Box<ReleaseReport>>,
}

/// Why a call was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WorkError {
    /// The lease is over: somebody else has the job, or it ended.
    #[error("the lease is no longer valid")]
    Stale,
    /// The report says that the trace is longer than what was appended.
    #[error("the trace is stored up to byte {stored} only")]
    TraceIncomplete {
        /// The offset to go on from.
        stored: u64,
    },
    /// Trying again may help.
    #[error("the source of work can't be reached: {0}")]
    Unavailable(String),
}
