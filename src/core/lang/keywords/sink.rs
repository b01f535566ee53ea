//! Where the checks put what they find.

use std::collections::BTreeSet;

use super::field::Path;
use crate::{
    diag::{Diagnostic, Diagnostics, Span},
    hash::HashSet,
};

/// Collects findings. What several jobs inherit from one place is told once, for the first of them.
pub(super) struct Sink<'d> {
    out: &'d mut Diagnostics,
    seen: BTreeSet<(&'static str, Span, String)>,
    flawless: HashSet<String>,
}

impl<'d> Sink<'d> {
    pub(super) fn new(out: &'d mut Diagnostics) -> Self {
        Self {
            out,
            seen: BTreeSet::new(),
            flawless: HashSet::default(),
        }
    }

    /// Notes an expression about which nothing is to be said, wherever it stands. Jobs repeat and inherit the same few,
    /// and a regular expression in one takes longer to check than the rest of its job.
    pub(super) fn note_flawless(&mut self, expression: &str) {
        self.flawless.insert(expression.to_owned());
    }

    /// Whether an expression was noted so.
    pub(super) fn is_flawless(&self, expression: &str) -> bool {
        self.flawless.contains(expression)
    }

    /// Whether what is added now is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.out.dropped() > 0
    }

    /// An error: `path text`, and the way out.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        path: Path<'_>,
        span: Span,
        text: &str,
        help: impl Into<String>,
    ) {
        let message = format!("{path} {text}");
        self.add(text, Diagnostic::error(code, span, message).with_help(help));
    }

    /// A warning: `path text`, and the way out.
    pub(super) fn warning(
        &mut self,
        code: &'static str,
        path: Path<'_>,
        span: Span,
        text: &str,
        help: impl Into<String>,
    ) {
        let message = format!("{path} {text}");
        self.add(
            text,
            Diagnostic::warning(code, span, message).with_help(help),
        );
    }

    /// A finding with more to it than [`Self::error`] takes; `text` is its message without the path.
    pub(super) fn add(&mut self, text: &str, diagnostic: Diagnostic) {
        let place = diagnostic.primary.unwrap_or_default();
        if self.seen.insert((diagnostic.code, place, text.to_owned())) {
            self.out.push(diagnostic);
        }
    }
}
