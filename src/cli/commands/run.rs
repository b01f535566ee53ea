//! `aqueduct run`.

use std::{io::IsTerminal as _, path::Path, sync::Arc};

use aqueduct_core::{lang::context::ContextVariable, mask, plan::Plan, run::Status};
use aqueduct_engine::RunEvents;

use crate::{
    args::{ContextArgs, RunArgs},
    commands::export,
    compile,
    error::CliError,
    exit::Exit,
    output,
    render::{
        self,
        run::{JsonReporter, LiveReporter, PlainReporter, Reporter, Summary},
    },
    repo::RepoInfo,
    settings,
    traces::{FileNames, Traces},
    wire::{
        self, INTERRUPTED, LocalRun, Options, anchored, image_registries, release_backend,
        release_env,
    },
};

/// Compiles and runs the pipeline.
pub(crate) fn run(args: &RunArgs) -> Result<Exit, CliError> {
    let program = std::env::current_exe().ok();
    wire::enter_private_mounts();
    let compiled = compile::pipeline(Path::new("."), &args.context)?;
    compile::show(&compiled.diagnostics, &compiled.sources);
    let Some(plan) = compiled.plan else {
        return Ok(Exit::Invalid);
    };
    if !plan.pipeline.run {
        // A warning has said so.
        return Ok(Exit::Success);
    }
    tell_of_detached_head(&compiled.repo, &args.context);
    let secrets = secret_values(&compiled.variables);
    warn_of_short(&secrets);
    let artifacts = args.artifacts.as_deref().map(export::prepare).transpose()?;
    let project = compiled.repo.root.clone();
    // Paths in the pipeline file (`oci:PATH:TAG`) are relative to the project, wherever the command was started.
    std::env::set_current_dir(&project).map_err(|error| CliError::io("enter", &project, &error))?;
    let settings = settings::load(&project, None)?;
    let options = Options {
        program,
        commit: args.context.commit.clone(),
        jobs: args.jobs.clone(),
        play: args.manual.clone(),
        slots: args
            .concurrency
            .or(settings.run.jobs)
            .map_or_else(processors, |jobs| jobs as usize),
        executor: args.executor.or(settings.run.executor).unwrap_or_default(),
        memory_limit: settings.run.memory_limit,
        secrets,
        user: compiled.repo.user.variables(),
        registries: image_registries(&settings, &project, &compiled.variables),
        destinations: anchored(&settings, &project),
        release_env: release_env(&compiled.variables),
        release: release_backend(&settings, &project, &compiled.variables),
        project_dir: project,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::infrastructure(format!("can't start: {error}")))?;
    runtime.block_on(drive(&plan, options, args.json, artifacts.as_deref()))
}

/// A pipeline is made for a branch or a tag: one must be taken, and which is no secret.
fn tell_of_detached_head(repo: &RepoInfo, context: &ContextArgs) {
    let is_named = context.branch.is_some() || context.tag.is_some() || context.commit.is_some();
    if repo.commit.is_some() && repo.branch.is_none() && !is_named {
        output::note(&format!(
            "no branch is checked out: the pipeline is made for {}; --branch or --tag names another",
            repo.default_branch
        ));
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

fn secret_values(variables: &[ContextVariable]) -> Vec<ContextVariable> {
    variables
        .iter()
        .filter(|variable| variable.secret)
        .cloned()
        .collect()
}

/// Who names a secret counts on its masking.
fn warn_of_short(secrets: &[ContextVariable]) {
    for secret in secrets
        .iter()
        .filter(|secret| mask::is_too_short(&secret.value))
    {
        output::note(&format!(
            "warning: the value of --secret {} is too short to be masked in logs",
            secret.key
        ));
    }
}

async fn drive(
    plan: &Plan,
    options: Options,
    json: bool,
    artifacts: Option<&Path>,
) -> Result<Exit, CliError> {
    let (run, events) = LocalRun::start(plan, &options)?;
    let run = Arc::new(run);
    let mut reporter = reporter(json);
    for note in run.notes() {
        reporter.note(note);
    }
    let mut summary = Summary::default();
    let names = FileNames::of(plan.jobs.iter().map(|job| job.name.as_str()));
    let logs = run.workspace().logs_dir();
    let traces = Traces::new(logs, names.clone());
    let watched = watch(&run, events, reporter.as_mut(), &mut summary, traces).await;
    let status = run.ended().await;
    reporter.close();
    summary.waiting(run.waiting());
    let exported = export::export(&run, &names, artifacts);
    let run =
        Arc::into_inner(run).ok_or_else(|| CliError::infrastructure("the run is still watched"))?;
    let kept = run.finish(&names).await;
    if !json {
        output::note(summary.render(render::stderr_color()).trim_end());
        if let Ok(kept) = &kept {
            tell_kept(kept, status);
        }
    }
    let interrupted = watched?;
    kept?;
    exported?;
    Ok(exit_of(status, interrupted, &summary))
}

fn reporter(json: bool) -> Box<dyn Reporter> {
    let color = render::stderr_color();
    if json {
        Box::new(JsonReporter::default())
    } else if live() {
        Box::new(LiveReporter::new(color))
    } else {
        Box::new(PlainReporter::new(color))
    }
}

/// A live view needs a terminal at both ends, and no CI that records one.
fn live() -> bool {
    std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal()
        && std::env::var_os("CI").is_none()
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Shows events until the last one; a first Ctrl-C cancels with grace, a second one kills.
async fn watch(
    run: &LocalRun,
    mut events: RunEvents,
    reporter: &mut dyn Reporter,
    summary: &mut Summary,
    mut traces: Traces,
) -> Result<bool, CliError> {
    let mut signals = Signals::new()?;
    let mut interrupts = 0_u32;
    // What can't be shown must not stop what runs: the first such failure is told at the end.
    let mut failed = None;
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { break };
                summary.event(&event);
                let shown = traces.event(&event).and_then(|()| reporter.event(&event));
                if let (Err(error), None) = (shown, &failed) {
                    failed = Some(error);
                    run.cancel("what the jobs print can't be kept or shown");
                }
            }
            () = signals.next() => {
                interrupts += 1;
                if interrupts == 1 {
                    reporter.note("interrupted: jobs get 10 seconds to end; press Ctrl-C again to kill them");
                    run.cancel(INTERRUPTED);
                } else {
                    run.kill();
                }
            }
        }
    }
    failed.map_or(Ok(interrupts > 0), Err)
}

/// SIGINT, SIGTERM and SIGHUP.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, CliError> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind).map_err(|error| {
                CliError::infrastructure(format!("can't listen for signals: {error}"))
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

fn tell_kept(kept: &aqueduct_workspace::Kept, status: Status) {
    if let Some(artifacts) = &kept.artifacts {
        output::note(&format!("artifacts: {}", artifacts.display()));
    }
    if let (Some(logs), true) = (&kept.logs, status != Status::Success) {
        output::note(&format!("logs: {}", logs.display()));
    }
}

fn exit_of(status: Status, interrupted: bool, summary: &Summary) -> Exit {
    match status {
        _ if interrupted => Exit::Interrupted,
        // What is left waits for somebody to play it: nothing failed.
        Status::Success | Status::Manual | Status::Skipped => Exit::Success,
        _ if summary.blames_infrastructure() => Exit::Infrastructure,
        _ => Exit::Failed,
    }
}
