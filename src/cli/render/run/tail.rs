//! The last lines of each job, for the summary of those that failed.

use std::collections::VecDeque;

use super::lines::{Lines, plain};
use crate::render::label::shortened;

/// Lines kept of each job.
const KEPT: usize = 10;
/// Columns kept of a line: enough for a long command, too few to fill the screen.
const WIDEST: usize = 400;

/// The last lines of one trace.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: Lines,
    kept: VecDeque<String>,
}

impl Tail {
    /// Takes more of the trace.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for line in self.lines.push(bytes) {
            self.keep(&line);
        }
    }

    /// Forgets everything: a new attempt begins.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The last lines, oldest first, without escape sequences.
    pub(crate) fn last(&mut self) -> impl Iterator<Item = &str> {
        if let Some(line) = self.lines.finish() {
            self.keep(&line);
        }
        self.kept.iter().map(String::as_str)
    }

    fn keep(&mut self, line: &str) {
        let line = plain(line);
        if line.trim().is_empty() {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(shortened(&line, WIDEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_long_ones_cut() {
        let mut tail = Tail::default();
        for number in 0..20 {
            tail.push(format!("line {number}\n\n").as_bytes());
        }
        tail.push("x".repeat(1 << 20).as_bytes());
        let kept: Vec<&str> = tail.last().collect();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.iter().all(|line| line.chars().count() <= WIDEST));
        assert!(kept.last().is_some_and(|line| line.ends_with('…')));
    }
}
