//! The phases of an attempt in order, and what their ends make of the whole: one rule for all executors.

use std::time::{Duration, Instant};

use aqueduct_core::verdict::{Verdict, VerdictKind};
use aqueduct_ports::executor::{ExecEvent, JobSpec, Outcome, Phase};
use async_trait::async_trait;

use crate::{
    attempt::{Attempt, refused},
    supervise::EndedBy,
};

/// Runs one phase to its end.
#[async_trait]
pub(crate) trait PhaseRunner: Sync {
    /// `Err` if its process could not be started.
    async fn run(&self, phase: &Phase, turn: Turn) -> Result<PhaseEnd, Verdict>;
}

/// What a phase needs to know of those around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Counts phases from zero.
    pub(crate) index: usize,
    /// When its time is up.
    pub(crate) deadline: Instant,
    /// `CI_JOB_STATUS` of a later phase.
    pub(crate) job_status: Option<&'static str>,
}

impl Turn {
    /// The job's environment with what this phase adds.
    pub(crate) fn env(&self, env: &[(String, String)]) -> Vec<(String, String)> {
        const NAME: &str = "CI_JOB_STATUS";
        let Some(status) = self.job_status else {
            return env.to_vec();
        };
        let mut env: Vec<_> = env
            .iter()
            .filter(|(name, _)| name != NAME)
            .cloned()
            .collect();
        env.push((NAME.into(), status.into()));
        env
    }
}

/// How a phase ended.
#[derive(Clone, Debug)]
pub(crate) struct PhaseEnd {
    /// 128 + n for signal n.
    pub(crate) exit_code: i32,
    /// Whether anybody made it end.
    pub(crate) ended_by: EndedBy,
    /// Peak memory in bytes, where measured.
    pub(crate) peak_memory: Option<u64>,
    /// The kernel killed one of its processes for memory.
    pub(crate) out_of_memory: bool,
}

/// Runs the phases: the first decides; later ones follow its success, its failure and a gentle cancel, a timeout only if
/// they say so, a kill never, and their own end changes nothing.
pub(crate) async fn run_phases(
    attempt: &Attempt,
    spec: &JobSpec,
    runner: &dyn PhaseRunner,
) -> Outcome {
    let Some((first, later)) = spec.phases.split_first() else {
        return refused(Verdict::new(
            VerdictKind::Internal,
            "the job has no phase to run",
        ));
    };
    if attempt.stop.get().is_some() {
        return refused(canceled());
    }
    let turn = Turn {
        index: 0,
        deadline: after(spec.timeout.to_std()),
        job_status: None,
    };
    let end = match run_one(attempt, runner, first, turn).await {
        Ok(end) => end,
        Err(verdict) => return refused(verdict),
    };
    let verdict = judge(&end, spec);
    run_later(attempt, runner, later, &end, status(verdict.as_ref())).await;
    Outcome {
        verdict,
        exit_code: Some(end.exit_code),
        peak_memory: end.peak_memory,
    }
}

async fn run_later(
    attempt: &Attempt,
    runner: &dyn PhaseRunner,
    phases: &[Phase],
    end: &PhaseEnd,
    status: &'static str,
) {
    let timed_out = end.ended_by == EndedBy::Timeout;
    attempt.stop.rearm();
    for (index, phase) in phases.iter().enumerate() {
        if attempt.stop.get().is_some() || (timed_out && !phase.after_timeout) {
            continue;
        }
        let turn = Turn {
            index: index + 1,
            deadline: after(phase.timeout.to_std()),
            job_status: Some(status),
        };
        if let Err(verdict) = run_one(attempt, runner, phase, turn).await {
            let notice = format!("{} could not run: {}", phase.name, verdict.cause);
            attempt.journal.push(ExecEvent::Notice(notice));
        }
    }
}

async fn run_one(
    attempt: &Attempt,
    runner: &dyn PhaseRunner,
    phase: &Phase,
    turn: Turn,
) -> Result<PhaseEnd, Verdict> {
    let name = phase.name.clone();
    attempt.journal.push(ExecEvent::PhaseStarted(name.clone()));
    let end = runner.run(phase, turn).await?;
    attempt.journal.push(ExecEvent::PhaseEnded {
        phase: name,
        exit_code: end.exit_code,
    });
    Ok(end)
}

/// The verdict that the first phase's end deserves; `None` is success.
fn judge(end: &PhaseEnd, spec: &JobSpec) -> Option<Verdict> {
    let mut verdict = match end.ended_by {
        EndedBy::Cancel => canceled(),
        EndedBy::Timeout => Verdict::new(
            VerdictKind::ScriptTimeout,
            format!("the script ran longer than its timeout of {}", spec.timeout),
        ),
        EndedBy::Itself if end.exit_code == 0 => return None,
        EndedBy::Itself if end.out_of_memory => out_of_memory(end.peak_memory, spec.memory_limit),
        EndedBy::Itself => Verdict::exit(end.exit_code),
    };
    verdict.exit_code = Some(end.exit_code);
    Some(verdict)
}

/// GitLab's word for it in `CI_JOB_STATUS`.
fn status(verdict: Option<&Verdict>) -> &'static str {
    match verdict.map(|verdict| verdict.kind) {
        None => "success",
        Some(VerdictKind::Canceled) => "canceled",
        Some(_) => "failed",
    }
}

fn out_of_memory(peak: Option<u64>, limit: Option<u64>) -> Verdict {
    let mebibytes = |bytes: Option<u64>| {
        bytes.map_or_else(
            || "unknown".to_owned(),
            |bytes| format!("{} MiB", bytes >> 20),
        )
    };
    Verdict::new(
        VerdictKind::ScriptOom,
        format!(
            "the kernel killed the job for its memory use (peak {}, limit {})",
            mebibytes(peak),
            mebibytes(limit)
        ),
    )
}

/// Somebody stopped it.
pub(crate) fn canceled() -> Verdict {
    Verdict::new(VerdictKind::Canceled, "the job was canceled")
}

/// A point in time that also exists for an absurdly long timeout.
fn after(timeout: Duration) -> Instant {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    Instant::now() + timeout.min(YEAR)
}
