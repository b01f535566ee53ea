//! A runner that takes its jobs from a server: the same loop and the same executors as a local run, other ports around it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aqueduct_client::{Api, HttpWorkSource, Identity, RemoteArtifacts};
use aqueduct_core::{
    api::runner::{Features, Info, Secret},
    sched::TagPolicy,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_exec::{
    host::{HostConfig, HostExecutor},
    oci::{OciConfig, OciExecutor},
};
use aqueduct_ports::executor::ExecError;
use aqueduct_registry::ClientOptions;
use aqueduct_runner::{ExecutorSlot, RunnerConfig, Shutdown};
use aqueduct_workspace::{Checkouts, CheckoutsConfig, Quota};
use tokio::task::JoinHandle;

use super::{clock::SystemClock, local::BUILDS_DIR, local::container_problem};
use crate::{args::ExecutorChoice, error::CliError};

/// After this an interrupted runner ends, whatever its jobs do.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// What a runner is made with.
pub(crate) struct RemoteOptions {
    /// The running program, asked for before [`super::enter_private_mounts`].
    pub(crate) program: Option<PathBuf>,
    /// The server.
    pub(crate) api: Api,
    /// The runner's token.
    pub(crate) token: Secret,
    /// Which runner of that token; the same after a restart.
    pub(crate) system_id: String,
    /// Which process; another after a restart.
    pub(crate) instance: String,
    /// Its name.
    pub(crate) name: String,
    /// What to run jobs with.
    pub(crate) executor: ExecutorChoice,
    /// Jobs at a time.
    pub(crate) slots: usize,
    /// Tags that a job may ask for; empty leaves it to the server.
    pub(crate) tags: Vec<String>,
    /// Memory limit of a container in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// What executors keep about running attempts.
    pub(crate) state_dir: PathBuf,
    /// Working copies.
    pub(crate) builds_dir: PathBuf,
    /// Objects, images, caches.
    pub(crate) cache_dir: PathBuf,
}

/// A runner at work.
pub(crate) struct RemoteRunner {
    checkouts: Checkouts,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), ExecError>>,
    /// The executors it has.
    pub(crate) executors: Vec<&'static str>,
}

/// What a runner tells of itself.
pub(crate) fn info(executor: &str, images: bool) -> Info {
    Info {
        name: "aqueduct-runner".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        platform: std::env::consts::OS.into(),
        architecture: match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        }
        .into(),
        executor: executor.into(),
        shell: "bash".into(),
        features: Features::ours(images),
        ..Info::default()
    }
}

impl RemoteRunner {
    /// Kills and removes what a dead one left, then asks for jobs. Must be called within a runtime.
    pub(crate) fn start(options: &RemoteOptions) -> Result<Self, CliError> {
        let (slots, executors) = executors(options)?;
        let state = &options.state_dir;
        let swept =
            aqueduct_exec::sweep(state).map_err(|error| CliError::io("sweep", state, &error))?;
        if swept.processes > 0 {
            tracing::info!(
                processes = swept.processes,
                "killed what a dead runner left"
            );
        }
        let checkouts = Checkouts::open(&CheckoutsConfig {
            builds_dir: options.builds_dir.clone(),
            cache_dir: options.cache_dir.clone(),
            quota: Quota::NONE,
        })
        .map_err(|error| {
            CliError::infrastructure(error)
                .with_help("--builds-dir and --cache-dir name folders that can be written")
        })?;
        for note in checkouts.notes() {
            tracing::warn!("{note}");
        }
        let first = executors.first().copied().unwrap_or_default();
        let source = Arc::new(HttpWorkSource::new(
            options.api.clone(),
            Identity {
                token: options.token.clone(),
                system_id: options.system_id.clone(),
                instance: options.instance.clone(),
                info: info(first, executors.contains(&"oci")),
                grace: RunnerConfig::GRACE,
            },
        ));
        let shared = Arc::new(checkouts.clone());
        let artifacts = RemoteArtifacts::new(&source, shared.clone());
        let config = RunnerConfig {
            name: options.name.clone(),
            slots: options.slots,
            tags: if options.tags.is_empty() {
                TagPolicy::Any
            } else {
                TagPolicy::Only(options.tags.clone())
            },
            run_untagged: true,
            executors: slots,
            release: None,
            copies: shared.clone(),
            artifacts: Arc::new(artifacts),
            cache: shared,
            clock: Arc::new(SystemClock),
            trace_limit: RunnerConfig::TRACE_LIMIT,
            spool_dir: Some(options.builds_dir.clone()),
            grace: RunnerConfig::GRACE,
            memory_limit: options.memory_limit,
        };
        let shutdown = Shutdown::default();
        let task = tokio::spawn(aqueduct_runner::run(config, source, shutdown.clone()));
        Ok(Self {
            checkouts,
            shutdown,
            task,
            executors,
        })
    }

    /// Take no more jobs.
    pub(crate) fn drain(&self) {
        self.shutdown.drain.cancel();
    }

    /// Stop the running ones with grace; [`Self::ended`] waits a while at most from now on.
    pub(crate) fn interrupt(&self) {
        self.shutdown.interrupt.cancel();
    }

    /// Kill the running ones.
    pub(crate) fn kill(&self) {
        self.shutdown.interrupt.cancel();
        self.shutdown.kill.cancel();
    }

    /// Resolves when the last job has ended, or an interrupted runner has waited long enough.
    pub(crate) async fn ended(&mut self) -> Result<(), CliError> {
        let patience = async {
            self.shutdown.interrupt.cancelled().await;
            tokio::time::sleep(SHUTDOWN).await;
        };
        tokio::select! {
            ended = &mut self.task => ended
                .map_err(|error| CliError::infrastructure(format!("the runner failed: {error}")))?
                .map_err(|error| CliError::from_verdict(&error.into_verdict())),
            () = patience => Err(CliError::infrastructure(format!(
                "jobs did not end within {} seconds; what is left of them is removed by the next start",
                SHUTDOWN.as_secs()
            ))),
        }
    }

    /// Removes the working copies.
    pub(crate) fn close(self) -> Result<(), CliError> {
        self.checkouts.close().map_err(CliError::infrastructure)
    }
}

/// What jobs are run with, and their names.
fn executors(options: &RemoteOptions) -> Result<(Vec<ExecutorSlot>, Vec<&'static str>), CliError> {
    let problem = container_problem();
    let (mut slots, mut names) = (Vec::new(), Vec::new());
    if options.executor != ExecutorChoice::Oci {
        slots.push(host(options));
        names.push("host");
    }
    match (options.executor, problem) {
        (ExecutorChoice::Host, _) => {}
        (ExecutorChoice::Oci, Some(problem)) => return Err(CliError::from_verdict(&problem)),
        (ExecutorChoice::Auto, Some(problem)) => {
            let why = Verdict::new(VerdictKind::RunnerUnsupported, problem.cause);
            tracing::warn!("jobs with an image are not taken: {}", why.cause);
        }
        (ExecutorChoice::Auto | ExecutorChoice::Oci, None) => {
            slots.push(containers(options));
            names.push("oci");
        }
    }
    Ok((slots, names))
}

fn host(options: &RemoteOptions) -> ExecutorSlot {
    let mut config = HostConfig::new(options.state_dir.clone());
    let directory = options.program.as_deref().and_then(Path::parent);
    if let Some(directory) = directory.and_then(Path::to_str) {
        config.add_to_path(directory);
    }
    let forced = options.executor == ExecutorChoice::Host;
    ExecutorSlot::host(Arc::new(HostExecutor::new(config)), forced)
}

fn containers(options: &RemoteOptions) -> ExecutorSlot {
    let images = options.cache_dir.join("images");
    let config = OciConfig {
        project_dir: options.builds_dir.clone(),
        registries: ClientOptions::default(),
        ..OciConfig::new(options.state_dir.clone(), images)
    };
    let executor = Arc::new(OciExecutor::new(config));
    ExecutorSlot::container(executor, PathBuf::from(BUILDS_DIR))
}
