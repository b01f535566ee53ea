//! The conformance suite of [`Executor`].
//!
//! An implementation gives a [`Subject`] and names it in [`executor_conformance!`](crate::executor_conformance), which makes
//! one test per case. The cases need a POSIX shell with `dd`, `head`, `sleep`, `cat`, `ls` and `touch` where the job
//! runs: busybox is enough. A case panics where the contract is broken.

mod control;
mod output;
mod script;

pub use control::*;
pub use output::*;
pub use script::*;

use std::{path::PathBuf, sync::Arc, time::Duration};

use aqueduct_core::{
    id::{AttemptKey, JobId, PipelineId},
    plan::Image,
    time::Millis,
    verdict::{Verdict, VerdictKind},
};

use crate::executor::{ExecError, ExecEvent, Executor, Handle, JobSpec, Outcome, Phase};

/// No case waits longer for an attempt to end.
const PATIENCE: Duration = Duration::from_mins(2);

/// An implementation under test.
pub trait Subject: Send + Sync {
    /// The implementation.
    fn executor(&self) -> Arc<dyn Executor>;

    /// An attempt of this number with working copy and temporary directory made, an image if it needs one, no
    /// environment, no phases, a minute of time and five seconds of grace.
    fn spec(&self, number: u32) -> JobSpec;

    /// Whether it can enforce a memory limit.
    fn limits_memory(&self) -> bool;

    /// An image that can't be used; `None` from an implementation that runs none.
    fn image_without(&self, lacking: Lacking) -> Option<Image>;

    /// Processes of attempts that still run anywhere on the machine, by a text in their command line.
    fn processes(&self, text: &str) -> usize;
}

/// Why an image can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// It doesn't exist.
    Everything,
    /// It exists for amd64 only.
    Arm64,
}

/// Makes a test of every case; `$subject` is an expression that gives a new [`Subject`](executor::Subject).
#[macro_export]
macro_rules! executor_conformance {
    ($subject:expr) => {
        $crate::executor_conformance!(@cases $subject;
            exit_codes_are_exact stops_at_no_output signals_become_128_plus_n
            environment_and_files_arrive scripts_longer_than_a_command_line
            phases_follow_each_other later_phases_follow_failure_and_know_the_status
            working_copies_are_isolated the_script_runs_in_project_dir
            streams_share_one_order output_without_newline_arrives much_output_is_exact
            background_processes_dont_hold_the_job every_reader_gets_everything
            cancel_asks_first cancel_kills_the_whole_group a_second_cancel_stops_the_after_script
            timeout_is_told_apart ensure_is_idempotent destroy_is_idempotent_and_listed
            destroy_kills_what_runs memory_limit_is_enforced
            missing_images_are_the_pipelines_fault
        );
    };
    (@cases $subject:expr; $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let subject = $subject;
                $crate::conformance::executor::$case(&subject).await;
            }
        )+
    };
}

/// Everything an attempt told.
#[derive(Debug)]
struct Told {
    events: Vec<ExecEvent>,
    output: Vec<u8>,
    outcome: Outcome,
}

impl Told {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    fn verdict(&self) -> Option<VerdictKind> {
        self.outcome.verdict.as_ref().map(|verdict| verdict.kind)
    }

    /// Names and exit codes of the phases that ended.
    fn phases(&self) -> Vec<(String, i32)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                ExecEvent::PhaseEnded { phase, exit_code } => Some((phase.clone(), *exit_code)),
                _ => None,
            })
            .collect()
    }
}

fn phase(name: &str, script: impl Into<String>) -> Phase {
    Phase {
        name: name.into(),
        script: script.into(),
        timeout: Millis::from_secs(60),
        after_timeout: false,
    }
}

fn spec(subject: &dyn Subject, number: u32, scripts: &[&str]) -> JobSpec {
    let names = ["step_script", "after_script"];
    let mut spec = subject.spec(number);
    spec.phases = names
        .iter()
        .zip(scripts)
        .map(|(name, script)| phase(name, *script))
        .collect();
    spec
}

/// The key that subjects give attempt `number`.
pub fn key(number: u32) -> AttemptKey {
    AttemptKey {
        pipeline: PipelineId(1),
        job: JobId(u64::from(number)),
        attempt: 1,
    }
}

fn must<T>(result: Result<T, ExecError>) -> T {
    result.unwrap_or_else(|error| panic!("the executor failed: {error}"))
}

async fn start(subject: &dyn Subject, spec: &JobSpec) -> Handle {
    must(subject.executor().ensure(spec).await)
}

async fn follow(subject: &dyn Subject, handle: &Handle) -> Told {
    let mut receiver = must(subject.executor().attach(handle).await);
    let (mut events, mut output) = (Vec::new(), Vec::new());
    let all = async {
        while let Some(event) = receiver.recv().await {
            match event {
                ExecEvent::Output(bytes) => output.extend_from_slice(&bytes),
                event => events.push(event),
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, all).await.is_ok();
    assert!(in_time, "the attempt never ended; it told {events:?}");
    let Some(ExecEvent::Ended(outcome)) = events.last().cloned() else {
        panic!("the last event is not the end: {events:?}");
    };
    Told {
        events,
        output,
        outcome,
    }
}

/// Waits until the attempt's output contains `text`.
async fn until_output(subject: &dyn Subject, handle: &Handle, text: &str) {
    let mut receiver = must(subject.executor().attach(handle).await);
    let mut output = Vec::new();
    let found = async {
        while let Some(event) = receiver.recv().await {
            if let ExecEvent::Output(bytes) = event {
                output.extend_from_slice(&bytes);
                if String::from_utf8_lossy(&output).contains(text) {
                    return true;
                }
            }
        }
        false
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    assert_eq!(found, Ok(true), "{text:?} never came");
}

/// Runs to the end and removes the attempt.
async fn run(subject: &dyn Subject, spec: &JobSpec) -> Told {
    let handle = start(subject, spec).await;
    let told = follow(subject, &handle).await;
    must(subject.executor().destroy(&handle).await);
    told
}

/// The verdict of an attempt that can't run, whether `ensure` or the events say so.
async fn refusal(subject: &dyn Subject, spec: &JobSpec) -> Verdict {
    match subject.executor().ensure(spec).await {
        Err(error) => error.into_verdict(),
        Ok(handle) => {
            let told = follow(subject, &handle).await;
            must(subject.executor().destroy(&handle).await);
            told.outcome
                .verdict
                .unwrap_or_else(|| panic!("it ran: {:?}", told.events))
        }
    }
}

fn file(spec: &JobSpec, name: &str) -> PathBuf {
    spec.workdir.join(name)
}
