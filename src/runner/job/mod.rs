//! What is done with one leased job, step by step.
//!
//! variables → working copy → cache → artifacts of needed jobs → script phases → cache → artifacts. Each step is a function of
//! the [`Job`] and what earlier steps made; a step that can't go on says so by [`Stop`].

mod artifacts;
mod cache;
mod execute;
mod release;
mod scope;
mod script;
mod sources;

use std::{
    sync::{OnceLock, atomic::AtomicBool},
    time::Instant,
};

use aqueduct_core::{
    plan::JobKind,
    release::ReleaseReport,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::{
    executor::{Handle, Placement},
    work::{Assignment, Report, WorkError, WorkSource},
};

use crate::{
    config::{ExecutorSlot, RunnerConfig},
    keeper::{Keeper, Signal},
    report::report,
    trace::Trace,
};

/// A leased job and everything to work it off with.
pub(crate) struct Job<'a> {
    pub(crate) config: &'a RunnerConfig,
    pub(crate) source: &'a dyn WorkSource,
    pub(crate) assignment: &'a Assignment,
    /// The executor that the assignment names; `None` for `release`.
    pub(crate) slot: Option<&'a ExecutorSlot>,
    pub(crate) trace: &'a Trace,
    pub(crate) keeper: &'a Keeper,
    /// `CI_CONCURRENT_ID`.
    pub(crate) concurrent: usize,
    /// When it was leased: its timeout counts from here.
    pub(crate) begun: Instant,
    /// The attempt in its executor, once it was started there.
    pub(crate) handle: OnceLock<Handle>,
    /// The executor told its end: nothing of it runs any more.
    pub(crate) settled: AtomicBool,
}

/// Why a step can't go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The job has failed.
    Verdict(Verdict),
    /// The lease is over: nothing is reported any more.
    Lost,
}

impl From<Verdict> for Stop {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

/// What a step answers.
pub(crate) type Step<T> = Result<T, Stop>;

/// How the work ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// `None` is success.
    pub(crate) verdict: Option<Verdict>,
    /// Of the script.
    pub(crate) exit_code: Option<i32>,
    /// Of the dotenv reports.
    pub(crate) dotenv: Vec<(String, String)>,
    /// Whether there is an archive.
    pub(crate) has_artifacts: bool,
    /// What became of a release.
    pub(crate) release: Option<Box<ReleaseReport>>,
}

impl Ended {
    pub(crate) fn failed(verdict: Verdict) -> Self {
        Self {
            exit_code: verdict.exit_code,
            verdict: Some(verdict),
            ..Self::default()
        }
    }
}

/// Works the job off.
///
/// # Errors
/// [`Stop`] if it failed before there was anything to collect, or the lease is over.
pub(crate) async fn run(job: &Job<'_>) -> Step<Ended> {
    if let Some(first) = job.assignment.job.unsupported.first() {
        return Err(Verdict::new(VerdictKind::RunnerUnsupported, first).into());
    }
    match &job.assignment.job.kind {
        JobKind::Script(script) => script::run(job, script).await,
        JobKind::Index(spec) => release::index(job, spec).await,
        JobKind::Publish(spec) => release::publish(job, spec).await,
        JobKind::Trigger => Err(Verdict::new(
            VerdictKind::RunnerUnsupported,
            "a runner can't start another pipeline",
        )
        .into()),
    }
}

impl Job<'_> {
    /// Between two steps: whether to begin the next.
    fn check(&self) -> Step<()> {
        match self.keeper.now() {
            Signal::Lost => Err(Stop::Lost),
            Signal::Cancel(_) => {
                Err(Verdict::new(VerdictKind::Canceled, "the job was canceled").into())
            }
            Signal::Run if self.begun.elapsed() >= self.assignment.job.timeout.to_std() => {
                Err(Verdict::new(
                    VerdictKind::ScriptTimeout,
                    format!(
                        "the job's timeout of {} was over before its script began",
                        self.assignment.job.timeout
                    ),
                )
                .into())
            }
            Signal::Run => Ok(()),
        }
    }

    /// Whether it is to end at once, leaving nothing.
    fn is_killed(&self) -> bool {
        matches!(self.keeper.now(), Signal::Lost)
            || matches!(self.keeper.now(), Signal::Cancel(grace) if grace.0 == 0)
    }

    /// Tells that the work begins.
    async fn tell_started(&self, placement: Placement) -> Step<()> {
        let lease = &self.assignment.lease;
        let started = || Report::Started(placement.clone());
        match report(self.source, lease, started, self.keeper).await {
            Err(WorkError::Stale) => Err(Stop::Lost),
            // What a later report can't mend either is found there.
            _ => Ok(()),
        }
    }
}
