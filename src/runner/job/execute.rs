//! The script phases: started in the executor, followed to their end.

use std::sync::atomic::Ordering;

use aqueduct_core::{
    plan::{Image, ScriptSpec},
    time::Millis,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::{
    executor::{ExecError, ExecEvent, Executor, Handle, JobSpec, Outcome, Phase},
    workspace::WorkingCopy,
};
use tokio::sync::watch;

use super::{Job, Step, Stop, scope::Scope};
use crate::{keeper::Signal, shell::PhaseText};

/// GitLab Runner's names.
const SCRIPT: &str = "step_script";
const AFTER_SCRIPT: &str = "after_script";
/// `RUNNER_AFTER_SCRIPT_TIMEOUT`, where it isn't set.
const AFTER_SCRIPT_TIMEOUT: Millis = Millis::from_secs(5 * 60);

/// Runs the phases to their end. Nothing of the attempt runs any more when this returns.
pub(super) async fn run(
    job: &Job<'_>,
    copy: &WorkingCopy,
    scope: &Scope,
    script: &ScriptSpec,
) -> Step<Outcome> {
    let Some(slot) = job.slot else {
        return Err(Verdict::new(
            VerdictKind::Internal,
            format!("the runner has no executor '{}'", job.assignment.executor),
        )
        .into());
    };
    let executor = slot.executor.as_ref();
    let spec = spec(job, copy, scope, script);
    let handle = executor.ensure(&spec).await.map_err(verdict)?;
    let handle = job.handle.get_or_init(|| handle);
    let followed = follow(job, executor, handle).await;
    match &followed {
        // What is left to remove can wait until the end is told.
        Ok(_) => job.settled.store(true, Ordering::Relaxed),
        Err(_) => executor.destroy(handle).await.map_err(verdict)?,
    }
    let (outcome, after_script) = followed?;
    let outcome = judge(outcome, after_script, scope);
    let has_own = duration(scope, "RUNNER_SCRIPT_TIMEOUT").is_some_and(|own| own == spec.timeout);
    Ok(if has_own {
        outcome
    } else {
        with_whole_timeout(outcome, job)
    })
}

fn verdict(error: ExecError) -> Stop {
    error.into_verdict().into()
}

fn spec(job: &Job<'_>, copy: &WorkingCopy, scope: &Scope, script: &ScriptSpec) -> JobSpec {
    let plan = &job.assignment.job;
    let environment = scope.environment();
    for warning in &environment.warnings {
        job.trace.warning(warning);
    }
    let unexported: Vec<(&str, &str)> = environment
        .unexported
        .iter()
        .filter(|(name, _)| crate::shell::is_name(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let project_dir = scope.project_dir.display().to_string();
    let text = |commands: Vec<&str>| {
        PhaseText {
            project_dir: &project_dir,
            commands,
            unexported: unexported.clone(),
            debug: scope.is_true("CI_DEBUG_TRACE") == Some(true),
        }
        .render()
    };
    let left = Millis(
        plan.timeout
            .0
            .saturating_sub(job.begun.elapsed().as_millis() as u64),
    );
    let script_timeout = duration(scope, "RUNNER_SCRIPT_TIMEOUT").filter(|limit| *limit < left);
    let after_timeout = duration(scope, "RUNNER_AFTER_SCRIPT_TIMEOUT");
    let commands = script.before_script.iter().chain(&script.script);
    let mut phases = vec![Phase {
        name: SCRIPT.to_owned(),
        script: text(commands.map(String::as_str).collect()),
        timeout: left,
        after_timeout: false,
    }];
    if !script.after_script.is_empty() {
        phases.push(Phase {
            name: AFTER_SCRIPT.to_owned(),
            script: text(script.after_script.iter().map(String::as_str).collect()),
            timeout: after_timeout.unwrap_or(AFTER_SCRIPT_TIMEOUT),
            // Within the job's own timeout there is time left for it only if the script had a shorter one.
            after_timeout: script_timeout.is_some(),
        });
    }
    JobSpec {
        key: job.assignment.lease.key,
        name: plan.name.clone(),
        image: plan.image.as_ref().map(|image| expand_image(image, scope)),
        arch: plan.arch,
        workdir: copy.dir.clone(),
        project_dir: scope.project_dir.clone(),
        tmp_dir: copy.tmp_dir.clone(),
        tmp_dir_inside: scope.tmp_dir.clone(),
        env: environment.env,
        phases,
        timeout: script_timeout.unwrap_or(left),
        grace: job.config.grace,
        memory_limit: job.config.memory_limit,
    }
}

fn expand_image(image: &Image, scope: &Scope) -> Image {
    Image {
        name: scope.expand(&image.name),
        // As it stands: the `$0` of a shell in it is the shell's.
        entrypoint: image.entrypoint.clone(),
        pull_policy: image.pull_policy.clone(),
        platform: image.platform.as_deref().map(|text| scope.expand(text)),
        user: image.user.as_deref().map(|text| scope.expand(text)),
    }
}

/// A variable that holds a duration: `1h 30m`, `90s`, plain seconds.
fn duration(scope: &Scope, name: &str) -> Option<Millis> {
    aqueduct_core::lang::duration::parse(scope.get(name)?).filter(|limit| limit.0 > 0)
}

/// The attempt's events into the trace, the lease's signals to the executor. Answers the outcome and the exit code of
/// `after_script`, where it ran.
async fn follow(
    job: &Job<'_>,
    executor: &dyn Executor,
    handle: &Handle,
) -> Step<(Outcome, Option<i32>)> {
    let mut events = executor.attach(handle).await.map_err(verdict)?;
    let mut signals = job.keeper.signals();
    let mut after_script = None;
    // A signal that came before the executor had anything to stop.
    obey(job.keeper.now(), executor, handle).await?;
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            signal = next_signal(&mut signals) => {
                obey(signal, executor, handle).await?;
                continue;
            }
        };
        match event {
            Some(ExecEvent::Placed(placement)) => job.tell_started(placement).await?,
            Some(ExecEvent::Notice(text)) => job.trace.line(&text),
            Some(ExecEvent::PhaseStarted(name)) => job.trace.section_start(&name, header(&name)),
            Some(ExecEvent::Output(bytes)) => job.trace.output(&bytes).await,
            Some(ExecEvent::PhaseEnded { phase, exit_code }) => {
                job.trace.section_end(&phase);
                if phase == AFTER_SCRIPT {
                    after_script = Some(exit_code);
                }
                if phase == AFTER_SCRIPT && exit_code != 0 {
                    job.trace.warning(&format!(
                        "after_script failed, but job will continue unaffected: exit code {exit_code}"
                    ));
                }
            }
            Some(ExecEvent::Ended(outcome)) => return Ok((outcome, after_script)),
            None => {
                return Err(Verdict::new(
                    VerdictKind::Internal,
                    "the executor told no end of the job",
                )
                .into());
            }
        }
    }
}

fn header(phase: &str) -> &'static str {
    match phase {
        AFTER_SCRIPT => "Running after_script",
        _ => "Executing \"step_script\" stage of the job script",
    }
}

/// The next change; never, once the keeper is gone.
async fn next_signal(signals: &mut watch::Receiver<Signal>) -> Signal {
    if signals.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *signals.borrow_and_update()
}

async fn obey(signal: Signal, executor: &dyn Executor, handle: &Handle) -> Step<()> {
    match signal {
        Signal::Run => Ok(()),
        Signal::Cancel(grace) => executor.cancel(handle, grace).await.map_err(verdict),
        Signal::Lost => Err(Stop::Lost),
    }
}

/// The executor knows only what was left of the job's timeout when the script began; a person knows the whole.
fn with_whole_timeout(mut outcome: Outcome, job: &Job<'_>) -> Outcome {
    let whole = job.assignment.job.timeout;
    if let Some(verdict) = &mut outcome.verdict
        && verdict.kind == VerdictKind::ScriptTimeout
    {
        verdict.cause = format!("the job ran longer than its timeout of {whole}");
    }
    outcome
}

/// Success needs an exit code of zero that somebody saw. The error of `after_script` counts only where the job wants it.
fn judge(mut outcome: Outcome, after_script: Option<i32>, scope: &Scope) -> Outcome {
    if outcome.verdict.is_none() && outcome.exit_code != Some(0) {
        outcome.verdict = Some(match outcome.exit_code {
            Some(code) => Verdict::exit(code),
            None => Verdict::new(
                VerdictKind::Internal,
                "the executor told success without an exit code",
            ),
        });
    }
    let counts = scope.is_true("AFTER_SCRIPT_IGNORE_ERRORS") == Some(false);
    if let (None, true, Some(code)) = (&outcome.verdict, counts, after_script)
        && code != 0
    {
        outcome.verdict = Some(Verdict::exit(code));
        outcome.exit_code = Some(code);
    }
    outcome
}
