//! Secrets from the environment, each with a `_FILE` twin.

use std::path::PathBuf;

use crate::error::CliError;

/// The value of `name`, or the content of the file that `name_FILE` names, without its last newline.
pub(super) fn read(name: &str) -> Result<String, CliError> {
    if !super::is_name(name) {
        return Err(
            CliError::invalid(format!("--secret {name}: not a variable name"))
                .with_help("name the variable only: its value comes from the environment"),
        );
    }
    if let Some(path) = std::env::var_os(format!("{name}_FILE")).map(PathBuf::from) {
        let text =
            std::fs::read_to_string(&path).map_err(|error| CliError::io("read", &path, &error))?;
        return Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned());
    }
    std::env::var(name).map_err(|_| {
        CliError::invalid(format!("--secret {name}: the environment has no {name}")).with_help(
            format!("export {name}, or {name}_FILE with the path of a file that holds it"),
        )
    })
}
