//! Settings files: raw options of each file, and one function that decides.
//!
//! Precedence: flag, environment, project file, user file, default. Flags and environment are
//! clap's; this module knows the files.

mod coordinator;
mod forges;
#[cfg(test)]
mod reference;
mod size;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use aqueduct_forge::Login;

use aqueduct_publish::Settings as ReleaseSettings;
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

pub(crate) use coordinator::CoordinatorOptions;
use forges::ForgeOptions;

use crate::{args::ExecutorChoice, dirs, error::CliError, output};

/// Name of the settings file in a project.
const FILE_NAME: &str = "aqueduct.toml";
/// The tables it may hold.
const TABLES: [&str; 6] = [
    "run",
    "coordinator",
    "forges",
    "destinations",
    "registries",
    "projects",
];

/// How jobs run on this machine. Everything is optional.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunOptions {
    /// What to run jobs with.
    pub(crate) executor: Option<ExecutorChoice>,
    /// How many jobs at once.
    pub(crate) jobs: Option<u32>,
    /// Memory limit of a container.
    #[serde(default, deserialize_with = "size::option")]
    #[schemars(with = "Option<String>", extend("title" = size::TITLE))]
    pub(crate) memory_limit: Option<u64>,
}

impl RunOptions {
    /// What is set here, else what is set there.
    fn or(self, other: &Self) -> Self {
        Self {
            executor: self.executor.or(other.executor),
            jobs: self.jobs.or(other.jobs),
            memory_limit: self.memory_limit.or(other.memory_limit),
        }
    }
}

/// What the settings files say, decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// `[run]`.
    pub(crate) run: RunOptions,
    /// `[coordinator]`.
    pub(crate) coordinator: CoordinatorOptions,
    /// `[destinations]` and `[registries]`: the project's, or the user's if the project has none.
    pub(crate) release: ReleaseSettings,
    /// `[forges]`: only an operator's file is asked for them.
    forges: BTreeMap<String, ForgeOptions>,
    /// Where the file lies.
    base: PathBuf,
}

impl Settings {
    /// The logins at forges, their tokens read now.
    pub(crate) fn logins(&self) -> Result<Vec<Login>, CliError> {
        forges::logins(&self.forges, &self.base)
    }
}

/// Reads the project's file (or the one named) and the user's.
pub(crate) fn load(project: &Path, named: Option<&Path>) -> Result<Settings, CliError> {
    let project_file = named.map_or_else(|| find_upwards(project), |path| Some(path.to_path_buf()));
    let project = read(project_file.as_deref(), named.is_some())?;
    let user = read(user_file().as_deref(), false)?;
    let defines =
        !project.release.destinations.is_empty() || !project.release.registries.is_empty();
    Ok(Settings {
        run: project.run.or(&user.run),
        coordinator: CoordinatorOptions::default(),
        release: if defines {
            project.release
        } else {
            user.release
        },
        ..Settings::default()
    })
}

/// What a coordinator's operator says. Without a file nothing is released anywhere.
pub(crate) fn operator(file: Option<&Path>) -> Result<Settings, CliError> {
    let Some(file) = file else {
        return Ok(Settings::default());
    };
    let file = std::path::absolute(file).map_err(|error| CliError::io("find", file, &error))?;
    read(Some(&file), true)
}

fn find_upwards(dir: &Path) -> Option<PathBuf> {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    dir.ancestors()
        .map(|dir| dir.join(FILE_NAME))
        .find(|path| path.is_file())
}

fn user_file() -> Option<PathBuf> {
    Some(dirs::config_home()?.join("aqueduct").join(FILE_NAME))
}

fn read(path: Option<&Path>, required: bool) -> Result<Settings, CliError> {
    let Some(path) = path else {
        return Ok(Settings::default());
    };
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => {
            Ok(Settings::default())
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(CliError::io(
            "read", path, &error,
        )
        .with_help("make it readable, or let HOME or XDG_CONFIG_HOME name a folder of your own")),
        Err(error) => Err(CliError::io("read", path, &error)),
    }
}

fn parse(text: &str, path: &Path) -> Result<Settings, CliError> {
    let release = ReleaseSettings::parse(text, path).map_err(CliError::invalid)?;
    let mut document: toml::Table = toml::from_str(text)
        .map_err(|error| CliError::invalid(format!("{}: {error}", path.display())))?;
    for key in document
        .keys()
        .filter(|key| !TABLES.contains(&key.as_str()))
    {
        output::note(&format!(
            "warning: {}: unknown key `{key}`; known are {}",
            path.display(),
            TABLES.join(", ")
        ));
    }
    Ok(Settings {
        run: table(&mut document, "run", path)?,
        coordinator: table(&mut document, "coordinator", path)?,
        release,
        forges: table(&mut document, "forges", path)?,
        base: path.parent().unwrap_or(Path::new("")).to_owned(),
    })
}

/// A table that need not be there.
fn table<T: Default + DeserializeOwned>(
    document: &mut toml::Table,
    name: &str,
    path: &Path,
) -> Result<T, CliError> {
    let Some(table) = document.remove(name) else {
        return Ok(T::default());
    };
    table.try_into().map_err(|error: toml::de::Error| {
        CliError::invalid(format!("{}: `{name}`: {}", path.display(), error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_option_is_named() {
        let error = parse("[run]\nexecutr = \"host\"\n", Path::new("aqueduct.toml")).unwrap_err();
        assert!(error.message.contains("executr"), "{error}");
    }

    #[test]
    fn the_project_wins_over_the_user() {
        let project = parse("[run]\njobs = 2\n", Path::new("a")).unwrap();
        let user = parse("[run]\njobs = 8\nexecutor = \"oci\"\n", Path::new("b")).unwrap();
        let run = project.run.or(&user.run);
        assert_eq!(run.jobs, Some(2));
        assert_eq!(run.executor, Some(ExecutorChoice::Oci));
    }
}
