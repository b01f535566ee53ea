//! Diagnostics as values. Nothing renders here: `cli` draws them, `lint --json` prints them.

mod report;
mod sink;
mod source;
mod suggest;

pub use report::{LintReport, ReportItem};
pub use sink::Diagnostics;
pub use source::{FileId, LineColumn, SourceFile, SourceMap, Span};
pub use suggest::did_you_mean;

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The pipeline can't be made.
    Error,
    /// It can, but it may not be what was meant.
    Warning,
}

/// A place in a source file and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Said beside the place; empty for the bare underline.
    pub message: String,
}

/// One thing to tell the author of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable, documented, kebab-case: `unknown-keyword`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Lower case, no full stop. For a job's keyword it begins with `jobs:<name>:<key>`, as GitLab's does.
    pub message: String,
    /// Where; `None` only where no file can be named (a missing entry file).
    pub primary: Option<Span>,
    /// Other places that explain it, also in other files ("defined there").
    pub labels: Vec<Label>,
    /// The way out.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Some(span),
            labels: Vec::new(),
            help: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// An error that no file can be blamed for.
    pub fn without_place(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            primary: None,
            ..Self::error(code, Span::default(), message)
        }
    }

    /// Adds the way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn with_label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// Whether it forbids the pipeline.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
