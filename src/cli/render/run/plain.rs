//! A run on a pipe: the jobs' lines on standard output, each behind its job's name; what becomes of the jobs on standard error.

use std::{collections::BTreeMap, fmt::Write as _};

use anstyle::{AnsiColor, Style};
use aqueduct_engine::{RunEvent, TimedEvent};

use super::{
    Reporter,
    lines::{Lines, colored, plain},
    status_style,
};
use crate::{
    error::CliError,
    output,
    render::label::{columns, padded},
};

/// A longer name is not padded to, so that one long name doesn't push everything aside.
const MAX_PREFIX: usize = 32;

/// Writes prefixed lines.
#[derive(Debug)]
pub(crate) struct PlainReporter {
    color: bool,
    width: usize,
    lines: BTreeMap<String, Lines>,
}

impl PlainReporter {
    /// With or without escape sequences, the jobs' own included.
    pub(crate) fn new(color: bool) -> Self {
        Self {
            color,
            width: 0,
            lines: BTreeMap::new(),
        }
    }

    fn style(&self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }

    fn show(&self, job: &str, lines: &[String]) -> Result<(), CliError> {
        let style = self.style(Style::new().fg_color(Some(AnsiColor::Blue.into())));
        let mut out = String::new();
        for line in lines {
            let line = if self.color {
                colored(line)
            } else {
                plain(line)
            };
            // Writing to a String can't fail.
            let _ = writeln!(out, "{style}{} |{style:#} {line}", padded(job, self.width));
        }
        if out.is_empty() {
            Ok(())
        } else {
            output::text(&out)
        }
    }

    fn tell(&self, job: &str, status: &str, text: &str) {
        let style = self.style(status_style(status));
        output::note(&format!(
            "{style}{} * {status}{style:#}{text}",
            padded(job, self.width)
        ));
    }

    fn finish(&mut self, job: &str) -> Result<(), CliError> {
        match self.lines.remove(job).and_then(|mut lines| lines.finish()) {
            Some(line) => self.show(job, &[line]),
            None => Ok(()),
        }
    }
}

impl Reporter for PlainReporter {
    fn event(&mut self, event: &TimedEvent) -> Result<(), CliError> {
        match &event.event {
            RunEvent::PipelineStarted { jobs, .. } => {
                let widths = jobs.iter().map(|job| columns(&job.name));
                self.width = widths
                    .filter(|width| *width <= MAX_PREFIX)
                    .max()
                    .unwrap_or(0);
            }
            RunEvent::JobStarted { job, placement, .. } => {
                let emulated = if placement.emulated { ", emulated" } else { "" };
                let text = format!(" ({}, {}{emulated})", placement.executor, placement.arch);
                self.tell(job, "started", &text);
            }
            RunEvent::Log { job, bytes, .. } => {
                let lines = self.lines.entry(job.clone()).or_default().push(bytes);
                self.show(job, &lines)?;
            }
            RunEvent::JobRetrying { job, verdict, .. } => {
                self.finish(job)?;
                self.tell(job, "retrying", &format!(": {verdict}"));
            }
            RunEvent::JobFinished {
                job,
                status,
                verdict,
                duration,
                allow_failure,
                attempt,
                ..
            } => {
                self.finish(job)?;
                let mut text = if *attempt > 0 {
                    format!(" in {duration}")
                } else {
                    String::new()
                };
                if let Some(verdict) = verdict {
                    let _ = write!(text, ": {verdict}");
                }
                if *allow_failure {
                    text.push_str(" (allowed to fail)");
                }
                self.tell(job, status.name(), &text);
            }
            RunEvent::JobMoved { .. } | RunEvent::PipelineFinished { .. } => {}
        }
        Ok(())
    }

    fn note(&mut self, text: &str) {
        output::note(text);
    }
}
