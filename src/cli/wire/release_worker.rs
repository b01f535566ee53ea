//! The release worker of a coordinator: the ordinary runner loop, in the coordinator's process, with no executor but `release`.

use std::{path::Path, sync::Arc, time::Duration};

use aqueduct_core::sched::TagPolicy;
use aqueduct_engine::fleet::{Fleet, FleetArtifacts, FleetWork};
use aqueduct_ports::{executor::ExecError, store::Objects};
use aqueduct_publish::{Release, Settings as ReleaseSettings};
use aqueduct_runner::{RunnerConfig, Shutdown};
use aqueduct_workspace::{Checkouts, CheckoutsConfig, Quota};
use tokio::{task::JoinHandle, time::timeout};

use super::{clock::SystemClock, release::read_env};
use crate::error::CliError;

/// What people see it as.
const NAME: &str = "release worker of the coordinator";
/// Releases at a time.
const SLOTS: usize = 4;
/// What a needed job's artifacts may unpack to: a mistake or a bomb must not fill the disk that the coordinator itself needs.
const QUOTA: Quota = Quota {
    bytes: 32 << 30,
    entries: 200_000,
    reserve: 512 << 20,
};
/// How long a release that was stopped may take to say so.
const GRACE: Duration = Duration::from_secs(10);

/// A release worker at work.
pub(super) struct ReleaseWorker {
    checkouts: Checkouts,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), ExecError>>,
}

impl ReleaseWorker {
    /// Sweeps what a dead one left, voids what it had, and asks for jobs.
    pub(super) async fn start(
        fleet: &Arc<Fleet>,
        objects: &Arc<dyn Objects>,
        data: &Path,
        settings: ReleaseSettings,
    ) -> Result<Self, CliError> {
        let checkouts = Checkouts::open(&CheckoutsConfig {
            builds_dir: data.join("releases"),
            cache_dir: data.join("releases/cache"),
            quota: QUOTA,
        })
        .map_err(CliError::infrastructure)?;
        for note in checkouts.notes() {
            tracing::warn!("{note}");
        }
        let source = FleetWork::enlist(Arc::clone(fleet), NAME)
            .await
            .map_err(CliError::infrastructure)?;
        let shared = Arc::new(checkouts.clone());
        let artifacts = FleetArtifacts::new(Arc::clone(fleet), Arc::clone(objects), shared.clone());
        let config = RunnerConfig {
            name: NAME.into(),
            slots: SLOTS,
            tags: TagPolicy::Any,
            run_untagged: true,
            executors: Vec::new(),
            release: Some(Arc::new(Release::new(settings, read_env).guarded())),
            copies: shared.clone(),
            artifacts: Arc::new(artifacts),
            cache: shared,
            clock: Arc::new(SystemClock),
            trace_limit: RunnerConfig::TRACE_LIMIT,
            spool_dir: None,
            grace: RunnerConfig::GRACE,
            memory_limit: None,
        };
        let shutdown = Shutdown::default();
        let running = aqueduct_runner::run(config, Arc::new(source), shutdown.clone());
        Ok(Self {
            checkouts,
            shutdown,
            task: tokio::spawn(running),
        })
    }

    /// Ways to end it.
    pub(super) fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Stops what it does; somebody does that again later.
    pub(super) async fn stop(self) {
        self.shutdown.interrupt.cancel();
        if timeout(GRACE, self.task).await.is_err() {
            tracing::warn!("a release did not stop in time; the next start begins it again");
        }
        if let Err(error) = self.checkouts.close() {
            tracing::warn!(%error, "what releases needed is removed by the next start");
        }
    }
}
