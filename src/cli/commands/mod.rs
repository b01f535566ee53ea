//! The commands, one file each.

pub(crate) mod context;
mod export;
pub(crate) mod image;
pub(crate) mod index;
pub(crate) mod job;
pub(crate) mod lint;
pub(crate) mod pipeline;
pub(crate) mod plan;
pub(crate) mod project;
pub(crate) mod publish;
pub(crate) mod run;
pub(crate) mod runner;
pub(crate) mod runner_token;
pub(crate) mod serve;
pub(crate) mod shell;

use aqueduct_core::diag::LintReport;

use crate::{error::CliError, exit::Exit, output};

/// The same result. With `--json` an error is also printed as a report, so that whoever reads one always gets one.
fn reported(json: bool, result: Result<Exit, CliError>) -> Result<Exit, CliError> {
    if let Err(error) = &result
        && json
        && !error.message.is_empty()
    {
        output::json_line(&LintReport {
            valid: false,
            errors: vec![error.to_report_item()],
            warnings: Vec::new(),
        })?;
    }
    result
}
