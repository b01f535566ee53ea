//! `run --json`: one object a line (design section 11). Names and types are stable.

use std::collections::BTreeMap;

use aqueduct_core::verdict::Verdict;
use aqueduct_engine::{RunEvent, TimedEvent};
use serde_json::{Value, json};

use super::{
    Reporter,
    lines::{Lines, plain},
};
use crate::{error::CliError, output};

/// Writes events to standard output.
#[derive(Debug, Default)]
pub(crate) struct JsonReporter {
    lines: BTreeMap<String, Lines>,
}

impl Reporter for JsonReporter {
    fn event(&mut self, event: &TimedEvent) -> Result<(), CliError> {
        let time = event.time.rfc3339();
        self.objects(&event.event)
            .into_iter()
            .try_for_each(|(name, mut object)| {
                let mut line = json!({ "event": name, "time": time });
                if let (Some(line), Some(object)) = (line.as_object_mut(), object.as_object_mut()) {
                    line.append(object);
                }
                output::json_line(&line)
            })
    }

    fn note(&mut self, text: &str) {
        output::note(text);
    }
}

impl JsonReporter {
    fn objects(&mut self, event: &RunEvent) -> Vec<(&'static str, Value)> {
        match event {
            RunEvent::PipelineStarted { pipeline, jobs } => {
                let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
                vec![(
                    "pipeline_started",
                    json!({ "pipeline": pipeline, "jobs": names }),
                )]
            }
            RunEvent::JobStarted { job, placement, .. } => vec![(
                "job_started",
                json!({
                    "job": job,
                    "executor": placement.executor,
                    "arch": placement.arch,
                    "emulated": placement.emulated,
                }),
            )],
            RunEvent::Log { job, bytes, .. } => {
                let lines = self.lines.entry(job.clone()).or_default().push(bytes);
                lines.iter().map(|line| log(job, line)).collect()
            }
            RunEvent::JobRetrying {
                job,
                attempt,
                verdict,
                ..
            } => {
                let mut out = self.rest(job);
                out.push((
                    "job_retrying",
                    json!({
                        "job": job,
                        "attempt": attempt,
                        "verdict": verdict.kind.name(),
                        "cause": verdict.cause,
                    }),
                ));
                out
            }
            RunEvent::JobFinished {
                job,
                status,
                verdict,
                exit_code,
                allow_failure,
                duration,
                coverage,
                ..
            } => {
                let mut out = self.rest(job);
                out.push((
                    "job_finished",
                    json!({
                        "job": job,
                        "status": status.name(),
                        "exit_code": exit_code,
                        "verdict": verdict.as_ref().map(|verdict| verdict.kind.name()),
                        "cause": verdict.as_ref().map(|verdict| &verdict.cause),
                        "hint": verdict.as_ref().map(Verdict::hint),
                        "allow_failure": allow_failure,
                        "duration_ms": duration.0,
                        "coverage": coverage,
                    }),
                ));
                out
            }
            RunEvent::PipelineFinished { status, duration } => vec![(
                "pipeline_finished",
                json!({ "status": status.name(), "duration_ms": duration.0 }),
            )],
            RunEvent::JobMoved { .. } => Vec::new(),
        }
    }

    /// What a job printed after its last line end.
    fn rest(&mut self, job: &str) -> Vec<(&'static str, Value)> {
        let rest = self.lines.remove(job).and_then(|mut lines| lines.finish());
        rest.iter().map(|line| log(job, line)).collect()
    }
}

fn log(job: &str, line: &str) -> (&'static str, Value) {
    ("log", json!({ "job": job, "line": plain(line) }))
}
