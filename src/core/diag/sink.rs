//! Where the phases of the language put what they find.

use super::{Diagnostic, Severity};

/// Collects diagnostics in the order they are found. Every phase appends and goes on: a user with five
/// mistakes sees five.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    errors: usize,
    dropped: usize,
}

impl Diagnostics {
    /// More than this many help nobody, and hostile input could make millions.
    pub const LIMIT: usize = 1_000;

    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one; past [`Self::LIMIT`] it is only counted. The same finding at the same place is kept once:
    /// a shared node (an anchor, an inherited key) is visited once per use.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.is_error());
        if self.items.len() >= Self::LIMIT {
            self.dropped += 1;
        } else if !self.items.contains(&diagnostic) {
            self.items.push(diagnostic);
        }
    }

    /// Whether something forbids the pipeline.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there were, repeated ones counted.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// How many were over the limit and are not among the items.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// All of them, in order of discovery.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// Only the errors.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.with(Severity::Error)
    }

    /// Only the warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.with(Severity::Warning)
    }

    fn with(&self, severity: Severity) -> impl Iterator<Item = &Diagnostic> {
        self.items
            .iter()
            .filter(move |item| item.severity == severity)
    }

    /// Puts them in the order of their places (file, then offset); those without a place come first.
    pub fn sort(&mut self) {
        self.items.sort_by_key(|item| item.primary);
    }

    /// Changes each of them.
    pub fn update(&mut self, change: impl FnMut(&mut Diagnostic)) {
        self.items.iter_mut().for_each(change);
    }

    /// The items alone.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.items
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        iter.into_iter().for_each(|item| self.push(item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn the_limit_bounds_the_items_but_not_the_verdict() {
        let mut sink = Diagnostics::new();
        for at in 0..=Diagnostics::LIMIT as u32 {
            let span = Span {
                start: at,
                ..Span::default()
            };
            sink.push(Diagnostic::warning("w", span, "odd"));
        }
        assert!(!sink.has_errors());
        sink.push(Diagnostic::error("e", Span::default(), "wrong"));
        assert!(sink.has_errors());
        assert_eq!(
            (sink.iter().count(), sink.dropped()),
            (Diagnostics::LIMIT, 2)
        );
    }

    #[test]
    fn one_finding_at_one_place_is_told_once() {
        let mut sink = Diagnostics::new();
        sink.push(Diagnostic::error("e", Span::default(), "wrong"));
        sink.push(Diagnostic::error("e", Span::default(), "wrong"));
        assert_eq!(sink.errors().count(), 1);
    }
}
