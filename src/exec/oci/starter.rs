//! The process that makes one container, waits for it and reports how it ended.

use std::process::ExitCode;

/// Entry point of the re-executed program.
pub(crate) fn main() -> ExitCode {
    ExitCode::FAILURE
}
