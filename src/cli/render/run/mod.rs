//! A run as it is seen: events as JSON, prefixed lines on a pipe, a live view on a terminal.

mod echo;
mod json;
mod lines;
mod live;
mod plain;
mod summary;
mod tail;

pub(crate) use json::JsonReporter;
pub(crate) use live::LiveReporter;
pub(crate) use plain::PlainReporter;
pub(crate) use summary::Summary;

use aqueduct_engine::TimedEvent;

use crate::error::CliError;

/// Takes the events of a run in order.
pub(crate) trait Reporter: Send {
    /// Shows one event.
    fn event(&mut self, event: &TimedEvent) -> Result<(), CliError>;

    /// Shows a word that belongs to no job.
    fn note(&mut self, text: &str);

    /// Takes down whatever would be in the way of what comes after the run.
    fn close(&mut self) {}
}

/// What a job's state is called on a line of its own, with its colour.
pub(crate) fn status_style(status: &str) -> anstyle::Style {
    use anstyle::{AnsiColor, Style};
    let color = match status {
        "success" => AnsiColor::Green,
        "failed" => AnsiColor::Red,
        "canceled" | "warning" | "manual" => AnsiColor::Yellow,
        _ => AnsiColor::BrightBlack,
    };
    Style::new().fg_color(Some(color.into()))
}
