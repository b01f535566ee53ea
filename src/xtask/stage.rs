//! Stages of a command: each is named, timed and counted.

use std::{io::Write, time::Instant};

use crate::error::Result;

/// What a stage found. A stage without tests of its own counts as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Checks or tests that held.
    pub(crate) passed: u64,
    /// Those that did not.
    pub(crate) failed: u64,
}

impl Count {
    /// One check.
    pub(crate) fn one(held: bool) -> Self {
        Self {
            passed: u64::from(held),
            failed: u64::from(!held),
        }
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }
}

/// The stages done so far.
#[derive(Debug)]
pub(crate) struct Stages {
    begun: Instant,
    total: Count,
    failed: Vec<String>,
}

impl Stages {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            total: Count::default(),
            failed: Vec::new(),
        }
    }

    /// Runs one stage. An error counts as a failed check, so that later stages still run.
    pub(crate) fn run(&mut self, name: &str, stage: impl FnOnce() -> Result<Count>) {
        say(&format!("== {name}"));
        let begun = Instant::now();
        let count = stage().unwrap_or_else(|error| {
            say(&format!("error: {error}"));
            Count::one(false)
        });
        let word = if count.failed == 0 { "ok" } else { "FAILED" };
        if count.failed > 0 {
            self.failed.push(name.to_owned());
        }
        self.total = self.total.plus(count);
        say(&format!(
            "== {name}: {word}, {} passed, {} failed, {:.1} s",
            count.passed,
            count.failed,
            begun.elapsed().as_secs_f64()
        ));
    }

    /// Prints the sum; the last line is `N passed, N failed`. `true` if nothing failed.
    pub(crate) fn finish(self) -> bool {
        if !self.failed.is_empty() {
            say(&format!("failed stages: {}", self.failed.join(", ")));
        }
        say(&format!("took {:.0} s", self.begun.elapsed().as_secs_f64()));
        say(&format!(
            "{} passed, {} failed",
            self.total.passed, self.total.failed
        ));
        self.total.failed == 0
    }
}

/// Writes a line to standard output, which carries nothing else than this report.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nothing can be told to a reader that closed the pipe.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn an_error_counts_and_later_stages_run() {
        let mut stages = Stages::new();
        stages.run("broken", || Err(Error::Unexpected("no".into())));
        stages.run("tests", || {
            Ok(Count {
                passed: 3,
                failed: 0,
            })
        });
        assert_eq!(
            stages.total,
            Count {
                passed: 3,
                failed: 1
            }
        );
        assert_eq!(stages.failed, ["broken"]);
        assert!(!stages.finish());
    }
}
