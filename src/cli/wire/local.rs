//! A run on this machine: the same engine and the same runner loop as in a cluster, in one process.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use aqueduct_core::{
    id::{AttemptKey, JobId, PipelineId},
    lang::context::ContextVariable,
    plan::Plan,
    platform::Arch,
    run::Status,
    sched::TagPolicy,
    time::Millis,
    verdict::Verdict,
};
use aqueduct_engine::{Engine, EngineError, RunEvents, RunOptions, Secrets, Waiting};
use aqueduct_exec::{
    host::{HostConfig, HostExecutor},
    oci::{OciConfig, OciExecutor},
};
use aqueduct_ports::{executor::ExecError, release::ReleaseBackend, workspace::WorkspaceError};
use aqueduct_publish::Settings as ReleaseSettings;
use aqueduct_registry::ClientOptions;
use aqueduct_runner::{ExecutorSlot, RunnerConfig, Shutdown};
use aqueduct_workspace::{Isolation, Kept, PrivateMounts, Workspace, WorkspaceConfig};
use tokio::task::JoinHandle;

use super::{
    clock::SystemClock,
    preflight::{self, Env, Machine},
};
use crate::{args::ExecutorChoice, dirs, error::CliError, traces::FileNames};

/// Where a container's jobs see their working copies, as with GitLab Runner.
pub(super) const BUILDS_DIR: &str = "/builds";
/// Why a run is cancelled that somebody stops.
pub(crate) const INTERRUPTED: &str = "interrupted by the user";
/// Between SIGTERM and SIGKILL after the first Ctrl-C.
const GRACE: Millis = Millis::from_secs(10);

/// What a local run is asked to do.
pub(crate) struct Options {
    /// The running program, asked for before [`enter_private_mounts`]: in a changed root its path can't be told after it.
    pub(crate) program: Option<PathBuf>,
    /// Root of the project.
    pub(crate) project_dir: PathBuf,
    /// A commit to run instead of the working tree.
    pub(crate) commit: Option<String>,
    /// Jobs to run, or all.
    pub(crate) jobs: Vec<String>,
    /// Manual jobs to play.
    pub(crate) play: Vec<String>,
    /// Jobs at a time.
    pub(crate) slots: usize,
    /// What to run them with.
    pub(crate) executor: ExecutorChoice,
    /// Memory limit of a container in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// Values of the plan's secrets.
    pub(crate) secrets: Vec<ContextVariable>,
    /// Who runs it, as variables.
    pub(crate) user: Vec<(String, String)>,
    /// How images are pulled.
    pub(crate) registries: ClientOptions,
    /// Where `index` and `publish` jobs may release to.
    pub(crate) destinations: ReleaseSettings,
    /// Reads the secrets that those name.
    pub(crate) release_env: Env,
    /// Does `index` and `publish` jobs.
    pub(crate) release: Arc<dyn ReleaseBackend>,
}

/// Starts a container if this process was made for that, and answers with its exit code.
pub(crate) fn container_starter() -> Option<ExitCode> {
    aqueduct_exec::child::run_if_requested(std::env::args_os())
}

/// Why this machine can't start containers.
pub(crate) fn container_problem() -> Option<Verdict> {
    aqueduct_exec::oci::machine_problem()
}

/// Why this machine can't run containers of `arch`.
pub(crate) fn arch_problem(arch: Arch) -> Option<Verdict> {
    aqueduct_exec::oci::arch_problem(arch)
}

/// Keeps the mounts of this run to this process, so that `kill -9` leaves none. Call it before the first thread.
pub(crate) fn enter_private_mounts() {
    if let PrivateMounts::Unavailable(why) = aqueduct_workspace::enter_private_mounts() {
        tracing::debug!("no mount namespace of our own: {why}");
    }
}

/// A run that has begun.
pub(crate) struct LocalRun {
    engine: Arc<Engine>,
    workspace: Workspace,
    shutdown: Shutdown,
    runner: JoinHandle<Result<(), ExecError>>,
}

impl LocalRun {
    /// Sweeps what dead runs left, takes the snapshot and starts the runner loop. Must be called within a runtime.
    pub(crate) fn start(plan: &Plan, options: &Options) -> Result<(Self, RunEvents), CliError> {
        let run_options = RunOptions {
            jobs: options.jobs.clone(),
            play: options.play.clone(),
            secrets: secrets(&options.secrets),
            persisted: options.user.clone(),
            ..RunOptions::default()
        };
        let (engine, events) = Engine::new(plan, run_options, Arc::new(SystemClock))
            .map_err(|error| refused(&error))?;
        check(plan, &engine, options)?;
        let state = dirs::state();
        dirs::check_writable(&state).map_err(|error| CliError::io("write", &state, &error))?;
        aqueduct_exec::sweep(&state).map_err(|error| CliError::io("sweep", &state, &error))?;
        let workspace = Workspace::open(&WorkspaceConfig {
            project_dir: options.project_dir.clone(),
            cache_dir: dirs::cache(),
            commit: options.commit.clone(),
            isolation: Isolation::Auto,
        })
        .map_err(|error| unusable(&error))?;
        let shutdown = Shutdown::default();
        let config = runner_config(options, &state, &workspace);
        let source: Arc<Engine> = Arc::clone(&engine);
        let runner = tokio::spawn(aqueduct_runner::run(config, source, shutdown.clone()));
        Ok((
            Self {
                engine,
                workspace,
                shutdown,
                runner,
            },
            events,
        ))
    }

    /// What a person should know before it begins.
    pub(crate) fn notes(&self) -> &[String] {
        self.workspace.notes()
    }

    /// The working copies, artifacts and traces of the run.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Cancels what has not ended, with grace.
    pub(crate) fn cancel(&self, cause: &str) {
        self.engine.cancel(GRACE, cause);
    }

    /// Kills what has not ended.
    pub(crate) fn kill(&self) {
        self.engine.cancel(Millis(0), INTERRUPTED);
        self.shutdown.kill.cancel();
    }

    /// Resolves when every job has ended, or waits for a person.
    pub(crate) async fn ended(&self) -> Status {
        self.engine.run().await
    }

    /// Jobs that have not ended, with what each waits for.
    pub(crate) fn waiting(&self) -> Vec<(String, Status, Waiting)> {
        let jobs = self.engine.snapshot().jobs.into_iter();
        jobs.filter_map(|job| Some((job.name, job.status, job.waiting?)))
            .collect()
    }

    /// The attempt whose artifacts count, for each job that left some.
    pub(crate) fn attempts(&self) -> Vec<(String, AttemptKey)> {
        let snapshot = self.engine.snapshot();
        snapshot
            .jobs
            .into_iter()
            .filter(|job| job.attempt > 0)
            .map(|job| (job.name, key(job.id, job.attempt)))
            .collect()
    }

    /// Waits for the runner to put everything away; artifacts are kept under their jobs' `names`.
    pub(crate) async fn finish(self, names: &FileNames) -> Result<Kept, CliError> {
        let attempts = self.attempts().into_iter();
        let artifacts: Vec<(AttemptKey, String)> = attempts
            .map(|(job, attempt)| (attempt, names.get(&job)))
            .collect();
        self.shutdown.drain.cancel();
        self.runner
            .await
            .map_err(|error| CliError::infrastructure(format!("the runner failed: {error}")))?
            .map_err(|error| CliError::from_verdict(&error.into_verdict()))?;
        let workspace = self.workspace;
        tokio::task::spawn_blocking(move || workspace.finish(&artifacts))
            .await
            .map_err(CliError::infrastructure)?
            .map_err(CliError::infrastructure)
    }
}

fn key(job: JobId, attempt: u32) -> AttemptKey {
    AttemptKey {
        pipeline: PipelineId(1),
        job,
        attempt,
    }
}

fn secrets(variables: &[ContextVariable]) -> Secrets {
    variables
        .iter()
        .filter(|variable| variable.secret)
        .map(|variable| (variable.key.clone(), variable.value.clone()))
        .collect()
}

/// Why there is no place for a run, or nothing to fill it with.
fn unusable(error: &WorkspaceError) -> CliError {
    match error {
        WorkspaceError::Refused(_) => CliError::invalid(error),
        WorkspaceError::Io { path, .. } if !Path::new(path).starts_with(dirs::cache()) => {
            CliError::infrastructure(error).with_help("see what `git status` says of the project")
        }
        _ => CliError::infrastructure(error).with_help(
            "XDG_CACHE_HOME names the disk that runs use: it needs room and must be writable",
        ),
    }
}

/// Refuses the run if this machine can't run some of its jobs.
fn check(plan: &Plan, engine: &Engine, options: &Options) -> Result<(), CliError> {
    let chosen: BTreeSet<String> = engine
        .snapshot()
        .jobs
        .into_iter()
        .map(|job| job.name)
        .collect();
    let jobs = plan.jobs.iter().filter(|job| chosen.contains(&job.name));
    let played = [options.jobs.as_slice(), options.play.as_slice()].concat();
    let machine = Machine {
        executor: options.executor,
        no_containers: container_problem(),
        container_arch: arch_problem,
        host_arch: aqueduct_exec::host::arch_problem,
        release: options.destinations.clone(),
        env: Arc::clone(&options.release_env),
    };
    preflight::check(jobs, &played, &machine)
}

fn refused(error: &EngineError) -> CliError {
    let base = CliError::invalid(error);
    match error {
        EngineError::UnknownJob(_) => {
            base.with_help("`aqueduct plan` lists the jobs of this pipeline")
        }
        EngineError::Unsupported(_) => {
            base.with_help("leave the job out by naming the jobs to run, or remove the keyword")
        }
        EngineError::NoJobs => base.with_help("`aqueduct plan` says why each job is left out"),
        EngineError::NotPlayable { .. } => base,
    }
}

fn runner_config(options: &Options, state: &Path, workspace: &Workspace) -> RunnerConfig {
    let shared = Arc::new(workspace.clone());
    RunnerConfig {
        name: "local".into(),
        slots: options.slots,
        tags: TagPolicy::Any,
        run_untagged: true,
        executors: executors(options, state),
        release: Some(Arc::clone(&options.release)),
        copies: shared.clone(),
        artifacts: shared.clone(),
        cache: shared,
        clock: Arc::new(SystemClock),
        trace_limit: RunnerConfig::TRACE_LIMIT,
        spool_dir: None,
        grace: RunnerConfig::GRACE,
        memory_limit: options.memory_limit,
    }
}

fn executors(options: &Options, state: &Path) -> Vec<ExecutorSlot> {
    let mut out = Vec::new();
    if options.executor != ExecutorChoice::Oci {
        let mut config = HostConfig {
            claim_all_archs: true,
            ..HostConfig::new(state.to_path_buf())
        };
        // `aqueduct image pack` works in jobs wherever the program lies.
        let directory = options.program.as_deref().and_then(Path::parent);
        if let Some(directory) = directory.and_then(Path::to_str) {
            config.add_to_path(directory);
        }
        let forced = options.executor == ExecutorChoice::Host;
        out.push(ExecutorSlot::host(
            Arc::new(HostExecutor::new(config)),
            forced,
        ));
    }
    if options.executor != ExecutorChoice::Host {
        let config = OciConfig {
            project_dir: options.project_dir.clone(),
            registries: options.registries.clone(),
            claim_all_archs: true,
            ..OciConfig::new(state.to_path_buf(), dirs::cache().join("images"))
        };
        out.push(ExecutorSlot::container(
            Arc::new(OciExecutor::new(config)),
            PathBuf::from(BUILDS_DIR),
        ));
    }
    out
}
