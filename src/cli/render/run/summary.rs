//! What stands at the end of a run: each job's end, and for each failure the verdict, the last lines and what to do.

use std::{collections::BTreeMap, fmt::Write as _};

use anstyle::{AnsiColor, Style};
use aqueduct_core::{run::Status, time::Millis, verdict::Verdict};
use aqueduct_engine::{RunEvent, TimedEvent, Waiting};

use super::{status_style, tail::Tail};
use crate::render::label::{columns, label, padded};

/// Gathers what the summary needs while the run goes on.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    tails: BTreeMap<String, Tail>,
    ended: Vec<Ended>,
    waiting: Vec<(String, Status, Waiting)>,
    status: Option<(Status, Millis)>,
}

#[derive(Debug)]
struct Ended {
    job: String,
    status: Status,
    duration: Option<Millis>,
    verdict: Option<Verdict>,
    allowed: bool,
    coverage: Option<String>,
}

impl Summary {
    /// Hears one event.
    pub(crate) fn event(&mut self, event: &TimedEvent) {
        match &event.event {
            RunEvent::Log { job, bytes, .. } => {
                self.tails.entry(job.clone()).or_default().push(bytes);
            }
            RunEvent::JobRetrying { job, .. } => self.tails.entry(job.clone()).or_default().clear(),
            RunEvent::JobFinished {
                job,
                status,
                verdict,
                duration,
                allow_failure,
                attempt,
                coverage,
                ..
            } => {
                if *status == Status::Success {
                    self.tails.remove(job);
                }
                self.ended.push(Ended {
                    job: job.clone(),
                    status: *status,
                    duration: (*attempt > 0).then_some(*duration),
                    verdict: verdict.clone(),
                    allowed: *allow_failure,
                    coverage: coverage.clone(),
                });
            }
            RunEvent::PipelineFinished { status, duration } => {
                self.status = Some((*status, *duration));
            }
            _ => {}
        }
    }

    /// Jobs that wait for somebody, or for those jobs, now that the run is over.
    pub(crate) fn waiting(&mut self, jobs: Vec<(String, Status, Waiting)>) {
        self.waiting = jobs;
    }

    /// Whether any failure that counts blames the machine, the network or Aqueduct, and none the pipeline.
    pub(crate) fn blames_infrastructure(&self) -> bool {
        use aqueduct_core::verdict::Blame;
        let mut blames = self
            .ended
            .iter()
            .filter(|end| end.status == Status::Failed && !end.allowed)
            .filter_map(|end| end.verdict.as_ref().map(|verdict| verdict.kind.blame()))
            .peekable();
        blames.peek().is_some()
            && blames.all(|blame| matches!(blame, Blame::Infrastructure | Blame::Aqueduct))
    }

    /// The text, with a line end.
    pub(crate) fn render(&mut self, color: bool) -> String {
        let paint = |style: Style| if color { style } else { Style::new() };
        let mut out = String::new();
        let width = self
            .ended
            .iter()
            .map(|end| &end.job)
            .chain(self.waiting.iter().map(|(job, ..)| job))
            .map(|job| columns(job))
            .max()
            .unwrap_or(0);
        // Writing to a String can't fail.
        for end in &self.ended {
            let style = paint(status_style(if end.allowed {
                "warning"
            } else {
                end.status.name()
            }));
            let time = end
                .duration
                .map(|time| time.to_string())
                .unwrap_or_default();
            let _ = write!(
                out,
                "{style}{:8}{style:#} {}  {time:>7}",
                end.status.name(),
                padded(&end.job, width)
            );
            if let Some(coverage) = &end.coverage {
                let _ = write!(out, "  coverage {coverage} %");
            }
            if end.allowed {
                let _ = write!(out, "  (allowed to fail)");
            }
            trim_line(&mut out);
        }
        for (job, status, waiting) in &self.waiting {
            let style = paint(status_style(status.name()));
            let why = match waiting {
                Waiting::Play => "play it with --manual".to_owned(),
                other => other.to_string(),
            };
            let _ = writeln!(
                out,
                "{style}{:8}{style:#} {}  ({why})",
                status.name(),
                padded(job, width)
            );
        }
        for end in self.ended.iter().filter(|end| end.status == Status::Failed) {
            let tail = self.tails.get_mut(&end.job);
            failure(
                &mut out,
                end,
                tail,
                paint(status_style("failed")),
                paint(dim()),
            );
        }
        if let Some((status, duration)) = &self.status {
            let style = paint(status_style(status.name()).bold());
            let _ = writeln!(
                out,
                "\n{style}pipeline {}{style:#} in {duration}",
                status.name()
            );
        }
        out
    }
}

fn dim() -> Style {
    Style::new().fg_color(Some(AnsiColor::BrightBlack.into()))
}

fn trim_line(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

fn failure(out: &mut String, end: &Ended, tail: Option<&mut Tail>, red: Style, dim: Style) {
    let _ = writeln!(out, "\n{red}{} failed{red:#}", label(&end.job));
    if let Some(verdict) = &end.verdict {
        let _ = writeln!(out, "  {verdict}");
    }
    for line in tail.into_iter().flat_map(Tail::last) {
        let _ = writeln!(out, "  {dim}|{dim:#} {line}");
    }
    if let Some(verdict) = &end.verdict {
        let _ = writeln!(out, "  hint: {}", verdict.hint());
    }
}
