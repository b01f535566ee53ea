//! `aqueduct` as far as the container executor's tests need it: the starter alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    aqueduct_exec::child::run_if_requested(std::env::args_os()).unwrap_or(ExitCode::FAILURE)
}
