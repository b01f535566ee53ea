//! One attempt from its lease to its last report.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use aqueduct_core::{
    lang::variables::{RunnerVariable, expand_all_runner},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::work::{Assignment, JobEnd, JobVariable, Report, WorkError, WorkSource};
use futures_util::FutureExt as _;
use indexmap::IndexMap;

use crate::{
    config::{ExecutorSlot, RunnerConfig, Shutdown},
    job::{self, Ended, Job, Stop},
    keeper::{Keeper, Signal},
    report::report,
    seats::Seat,
    trace::{Trace, TraceConfig},
};

/// What an attempt is worked off with.
pub(crate) struct Attempt {
    pub(crate) config: Arc<RunnerConfig>,
    pub(crate) source: Arc<dyn WorkSource>,
    pub(crate) assignment: Assignment,
    /// The executor that the assignment names; `None` for `release`.
    pub(crate) slot: Option<ExecutorSlot>,
    pub(crate) shutdown: Shutdown,
}

impl Attempt {
    /// Works it off and reports its end. Whatever happens in it stays in it, a panic too.
    ///
    /// Its `seat` is free for another job as soon as the end is told: what is left to remove then disturbs nobody.
    pub(crate) async fn run(self, seat: Seat) {
        let lease = &self.assignment.lease;
        let keeper = Keeper::start(
            self.source.clone(),
            &self.assignment,
            self.shutdown.clone(),
            self.config.grace,
        );
        let secrets = secrets(&self.assignment);
        let (trace, flusher) = Trace::start(TraceConfig {
            source: self.source.clone(),
            lease: lease.clone(),
            clock: self.config.clock.clone(),
            secrets: secrets.iter().map(String::as_str).collect(),
            limit: self.config.trace_limit,
            spool_dir: self.config.spool_dir.clone(),
            coverage: self.assignment.job.coverage.as_deref(),
        });
        let job = Job {
            config: &self.config,
            source: self.source.as_ref(),
            assignment: &self.assignment,
            slot: self.slot.as_ref(),
            trace: &trace,
            keeper: &keeper,
            concurrent: seat.number,
            begun: Instant::now(),
            handle: OnceLock::new(),
            settled: AtomicBool::new(false),
        };
        let worked = AssertUnwindSafe(job::run(&job)).catch_unwind().await;
        flusher.abort();
        let ended = match worked {
            Ok(Ok(ended)) => Some(ended),
            Ok(Err(Stop::Verdict(verdict))) => {
                trace.error(&format!("Job failed: {}", verdict.cause));
                Some(Ended::failed(verdict))
            }
            Ok(Err(Stop::Lost)) => None,
            Err(panic) => Some(Ended::failed(panicked(panic.as_ref()))),
        };
        let settled = job.settled.load(Ordering::Relaxed);
        if !settled {
            self.clean_executor(&job).await;
        }
        if let Some(ended) = ended {
            let ended = self.blame(ended, &trace);
            self.tell_end(ended, &trace, &keeper).await;
        }
        drop(seat);
        if settled {
            self.clean_executor(&job).await;
        }
        self.clean_copy().await;
    }

    /// What was stopped because this runner stops is no fault of the job's, and nobody's wish.
    fn blame(&self, mut ended: Ended, trace: &Trace) -> Ended {
        if let Some(verdict) = &mut ended.verdict
            && verdict.kind == VerdictKind::Canceled
            && self.shutdown.interrupt.is_cancelled()
        {
            *verdict = Verdict::new(VerdictKind::RunnerLost, "the runner was stopped");
            trace.warning("the runner was stopped: it hands the job back");
        }
        ended
    }

    /// Repeating it is legal.
    async fn clean_executor(&self, job: &Job<'_>) {
        if let (Some(slot), Some(handle)) = (&self.slot, job.handle.get())
            && let Err(error) = slot.executor.destroy(handle).await
        {
            tracing::warn!(attempt = %handle.key, %error, "leftovers in the executor; the next sweep tries again");
        }
    }

    async fn clean_copy(&self) {
        let key = self.assignment.lease.key;
        if let Err(error) = self.config.copies.remove(key).await {
            tracing::warn!(attempt = %key, %error, "leftovers of the working copy; the next sweep tries again");
        }
    }

    /// The rest of the trace, then the end; nothing once the lease is over.
    async fn tell_end(&self, ended: Ended, trace: &Trace, keeper: &Keeper) {
        let mut signals = keeper.signals();
        let lost = signals.wait_for(|signal| *signal == Signal::Lost);
        tokio::select! {
            _ = lost => {}
            () = self.send_end(ended, trace, keeper) => {}
        }
    }

    async fn send_end(&self, ended: Ended, trace: &Trace, keeper: &Keeper) {
        let told = trace.finish().await;
        let end = JobEnd {
            verdict: ended.verdict,
            exit_code: ended.exit_code,
            dotenv: ended.dotenv,
            trace_bytes: told.bytes,
            has_artifacts: ended.has_artifacts,
            release: ended.release,
            coverage: told.coverage,
        };
        let lease = &self.assignment.lease;
        loop {
            let finished = || Report::Finished(end.clone());
            match report(self.source.as_ref(), lease, finished, keeper).await {
                Err(WorkError::TraceIncomplete { stored }) if trace.resend(stored).await => {}
                Err(error) => {
                    tracing::warn!(attempt = %lease.key, %error, "the end was not taken");
                    return;
                }
                Ok(()) => return,
            }
        }
    }
}

/// Values that must not show in the trace, as given and as the job sees them.
fn secrets(assignment: &Assignment) -> Vec<String> {
    let masked = || {
        let all = assignment.variables.iter();
        all.filter(|variable| variable.masked)
    };
    let others = assignment.masks.iter().map(|mask| mask.expose().to_owned());
    let mut values: Vec<String> = masked().map(|variable| variable.value.clone()).collect();
    values.extend(others);
    if masked().any(|variable| !is_raw(variable) && variable.value.contains('$')) {
        let expanded = expanded(&assignment.variables);
        values.extend(masked().filter_map(|variable| expanded.get(&variable.key).cloned()));
    }
    values
}

fn expanded(variables: &[JobVariable]) -> IndexMap<String, String> {
    let view: Vec<RunnerVariable<'_>> = variables
        .iter()
        .map(|variable| RunnerVariable {
            key: &variable.key,
            value: &variable.value,
            raw: is_raw(variable),
        })
        .collect();
    expand_all_runner(&view)
}

fn is_raw(variable: &JobVariable) -> bool {
    variable.raw || variable.file
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Verdict {
    let words = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Verdict::new(
        VerdictKind::Internal,
        format!("the runner panicked: {words}"),
    )
}
