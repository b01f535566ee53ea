//! `run --artifacts DIR`.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{dirs, error::CliError, traces::FileNames, wire::LocalRun};

/// Makes the directory and sees that it can be written, before any job has run for it. Answers its absolute path.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf, CliError> {
    let refused = |error: std::io::Error| {
        let cause = match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                "it, or a part of its path, is a file".to_owned()
            }
            _ => error.to_string(),
        };
        CliError::invalid(format!(
            "can't put artifacts into {}: {cause}",
            path.display()
        ))
        .with_help("--artifacts names a directory that can be made and written")
    };
    let absolute = std::path::absolute(path).map_err(refused)?;
    dirs::check_writable(&absolute).map_err(refused)?;
    Ok(absolute)
}

/// Copies what the jobs left, each under its own name.
pub(crate) fn export(
    run: &LocalRun,
    names: &FileNames,
    into: Option<&Path>,
) -> Result<(), CliError> {
    let Some(into) = into else { return Ok(()) };
    for (job, attempt) in run.attempts() {
        run.workspace()
            .export(attempt, &into.join(names.get(&job)))
            .map_err(|error| {
                CliError::infrastructure(format!(
                    "the artifacts of {job} can't be copied into {}: {error}",
                    into.display()
                ))
                .with_help("all artifacts of the last run are kept in the folder that is told as `artifacts:`")
            })?;
    }
    Ok(())
}
