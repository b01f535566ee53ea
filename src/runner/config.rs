//! What a runner is made of.

use std::{path::PathBuf, sync::Arc};

use aqueduct_core::{sched::TagPolicy, time::Millis};
use aqueduct_ports::{
    clock::Clock,
    executor::Executor,
    release::ReleaseBackend,
    workspace::{ArtifactStore, CacheStore, WorkingCopies},
};
use tokio_util::sync::CancellationToken;

/// Everything a runner needs, wired by the caller.
#[derive(Clone)]
pub struct RunnerConfig {
    /// Its name: `CI_RUNNER_DESCRIPTION`, and what the source of work knows it by.
    pub name: String,
    /// Jobs at a time, at least 1.
    pub slots: usize,
    /// Which tags a job may ask it for.
    pub tags: TagPolicy,
    /// Takes jobs without tags.
    pub run_untagged: bool,
    /// What it starts jobs with, one per executor name.
    pub executors: Vec<ExecutorSlot>,
    /// Takes `index` and `publish` jobs, where present.
    pub release: Option<Arc<dyn ReleaseBackend>>,
    /// Working copies.
    pub copies: Arc<dyn WorkingCopies>,
    /// Artifacts.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Caches.
    pub cache: Arc<dyn CacheStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Longest trace in bytes; what comes after is dropped, with a notice.
    pub trace_limit: u64,
    /// Where traces are kept until their jobs have ended, should the source of work lose what it has stored. Without it only
    /// their last mebibyte is.
    pub spool_dir: Option<PathBuf>,
    /// Between SIGTERM and SIGKILL when a job runs into its timeout.
    pub grace: Millis,
    /// Memory limit of a job in bytes, for executors that can enforce one.
    pub memory_limit: Option<u64>,
}

impl RunnerConfig {
    /// Default of [`Self::trace_limit`]: 256 MiB. GitLab's 4 MiB protect a server's disk, not a laptop's.
    pub const TRACE_LIMIT: u64 = 256 << 20;
    /// Default of [`Self::grace`].
    pub const GRACE: Millis = Millis::from_secs(10);
}

/// An executor and how its jobs see the disk.
#[derive(Clone)]
pub struct ExecutorSlot {
    /// The executor.
    pub executor: Arc<dyn Executor>,
    /// Where its jobs see their working copies, each under its project's path (GitLab Runner's `/builds`); `None` if they
    /// see this machine's own paths.
    pub builds_dir: Option<PathBuf>,
    /// Takes jobs that name an image.
    pub with_image: bool,
    /// Takes jobs that name none.
    pub without_image: bool,
}

impl ExecutorSlot {
    /// The machine itself, for jobs without an image; `forced` also takes those with one, and ignores it.
    pub fn host(executor: Arc<dyn Executor>, forced: bool) -> Self {
        Self {
            executor,
            builds_dir: None,
            with_image: forced,
            without_image: true,
        }
    }

    /// Containers, for jobs with an image, that see their working copies below `builds_dir`.
    pub fn container(executor: Arc<dyn Executor>, builds_dir: PathBuf) -> Self {
        Self {
            executor,
            builds_dir: Some(builds_dir),
            with_image: true,
            without_image: false,
        }
    }
}

/// Ways to end a runner, from gentle to rough; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Lease nothing more; what runs goes on to its end.
    pub drain: CancellationToken,
    /// Also stop what runs, with the runner's grace, and report it as the runner's fault: somebody else may do it again.
    pub interrupt: CancellationToken,
    /// Also kill what runs, without grace and without `after_script`.
    pub kill: CancellationToken,
}
