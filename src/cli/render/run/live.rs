//! A run on a terminal: a line per running job with its state, its time and its last output.

use std::{collections::BTreeMap, time::Duration};

use anstyle::{AnsiColor, Style};
use aqueduct_core::run::Status;
use aqueduct_engine::{RunEvent, TimedEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    Reporter,
    echo::QuietEcho,
    lines::{Lines, plain},
    status_style,
};
use crate::{
    error::CliError,
    render::label::{columns, padded, shortened},
};

/// Redraws a second: enough to look alive, too few to cost anything.
const RATE_HZ: u8 = 12;
const TICK: Duration = Duration::from_millis(125);
/// A longer name is cut in the live lines; it stands whole in the line that stays.
const MAX_NAME: usize = 28;

/// Draws running jobs at the bottom and leaves a line for each that ended.
pub(crate) struct LiveReporter {
    screen: MultiProgress,
    color: bool,
    width: usize,
    running: BTreeMap<String, Running>,
    _quiet: QuietEcho,
}

struct Running {
    bar: ProgressBar,
    lines: Lines,
}

impl LiveReporter {
    /// Draws on standard error.
    pub(crate) fn new(color: bool) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(RATE_HZ);
        Self {
            screen: MultiProgress::with_draw_target(target),
            color,
            width: 0,
            running: BTreeMap::new(),
            _quiet: QuietEcho::begin(),
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn line(&self, text: &str) {
        // A terminal that is gone shows in the next write to standard output.
        let _ = self.screen.println(text);
    }

    fn start(&mut self, job: &str, state: &str) {
        let name = padded(&shortened(job, MAX_NAME), self.width);
        let template = if self.color {
            "{spinner:.blue} {prefix} {elapsed:>4} {wide_msg:.dim}"
        } else {
            "{spinner} {prefix} {elapsed:>4} {wide_msg}"
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .tick_chars("|/-\\ ");
        let bar = self
            .screen
            .add(ProgressBar::new_spinner().with_style(style));
        bar.set_prefix(name);
        bar.set_message(state.to_owned());
        bar.reset_elapsed();
        bar.enable_steady_tick(TICK);
        self.running.insert(
            job.to_owned(),
            Running {
                bar,
                lines: Lines::default(),
            },
        );
    }

    fn end(&mut self, job: &str, status: &str, text: &str) {
        if let Some(running) = self.running.remove(job) {
            running.bar.finish_and_clear();
            self.screen.remove(&running.bar);
        }
        let mark = self.paint(status_style(status), &format!("{status:8}"));
        self.line(&format!("{mark} {}{text}", padded(job, self.width)));
    }
}

impl Reporter for LiveReporter {
    fn event(&mut self, event: &TimedEvent) -> Result<(), CliError> {
        match &event.event {
            RunEvent::PipelineStarted { jobs, .. } => {
                let widths = jobs.iter().map(|job| columns(&job.name));
                self.width = widths.max().unwrap_or(0).min(MAX_NAME);
            }
            RunEvent::JobMoved {
                job,
                to: Status::Preparing,
                ..
            } => {
                self.start(job, "preparing");
            }
            RunEvent::JobStarted { job, placement, .. } => {
                let emulated = if placement.emulated { ", emulated" } else { "" };
                let place = format!(
                    "running ({}, {}{emulated})",
                    placement.executor, placement.arch
                );
                match self.running.get(job) {
                    Some(running) => running.bar.set_message(place),
                    None => self.start(job, &place),
                }
            }
            RunEvent::Log { job, bytes, .. } => {
                if let Some(running) = self.running.get_mut(job)
                    && let Some(line) = running.lines.push(bytes).last()
                {
                    running.bar.set_message(plain(line).into_owned());
                }
            }
            RunEvent::JobRetrying { job, verdict, .. } => {
                self.end(job, "retrying", &format!("  {verdict}"));
            }
            RunEvent::JobFinished {
                job,
                status,
                verdict,
                duration,
                attempt,
                allow_failure,
                ..
            } => {
                let time = if *attempt > 0 {
                    duration.to_string()
                } else {
                    String::new()
                };
                let cause = verdict
                    .as_ref()
                    .map(|verdict| format!("  {verdict}"))
                    .unwrap_or_default();
                let allowed = if *allow_failure {
                    "  (allowed to fail)"
                } else {
                    ""
                };
                self.end(job, status.name(), &format!("  {time:>7}{cause}{allowed}"));
            }
            RunEvent::JobMoved { .. } | RunEvent::PipelineFinished { .. } => {}
        }
        Ok(())
    }

    fn note(&mut self, text: &str) {
        let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
        self.line(&self.paint(style, text));
    }

    fn close(&mut self) {
        for (_, running) in std::mem::take(&mut self.running) {
            running.bar.finish_and_clear();
        }
        let _ = self.screen.clear();
    }
}

impl std::fmt::Debug for LiveReporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveReporter")
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}
