//! Whole sessions of the command line: what a person types, sees and gets as exit code.

#![expect(
    clippy::expect_used,
    reason = "a test that can't set itself up fails there"
)]

mod support;

#[path = "cli/check.rs"]
mod check;
#[path = "cli/interrupt.rs"]
mod interrupt;
#[path = "cli/machine.rs"]
mod machine;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/runner.rs"]
mod runner;
