//! Destinations and registries of `aqueduct.toml` (design section 4), and which project may use which.
//!
//! Only the tables `destinations`, `registries` and `projects` are read here. Within them an unknown key is an error that
//! names its path: a misspelt option must not silently change what a release does.

mod destination;
mod projects;
mod registry;
mod secret;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aqueduct_core::{
    allow::Allowed,
    verdict::{Verdict, VerdictKind},
};
use indexmap::IndexMap;
use schemars::{Schema, schema_for};

pub use destination::{Destination, DirectoryDestination, LaterDestination, PypiDestination};
pub use registry::{RegistryAuth, RegistrySettings};
pub use secret::{Secret, SecretSource};

/// Where releases can go, by name.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Python repositories.
    pub destinations: IndexMap<String, Destination>,
    /// OCI registries.
    pub registries: IndexMap<String, RegistrySettings>,
    /// What projects are allowed, by `group/name`; only a coordinator asks.
    pub projects: IndexMap<String, Allowed>,
    /// What relative paths are relative to: the directory of the file.
    pub base_dir: PathBuf,
}

/// What is wrong with the file, with the path of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {cause}")]
pub struct ConfigError {
    /// The file's name.
    pub file: String,
    /// Path of the key, and why.
    pub cause: String,
}

impl Settings {
    /// Reads `file`; one that doesn't exist defines nothing.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(&text, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::parse("", file),
            Err(error) => Err(ConfigError {
                file: file.display().to_string(),
                cause: error.to_string(),
            }),
        }
    }

    /// Reads the text of `file`. Other tables than ours are left to their owners.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let fail = |cause: String| ConfigError {
            file: file.display().to_string(),
            cause,
        };
        let document: toml::Table =
            toml::from_str(text).map_err(|error| fail(error.to_string().trim().to_owned()))?;
        let read = Self {
            destinations: section(&document, "destinations", Destination::read).map_err(fail)?,
            registries: section(&document, "registries", RegistrySettings::read).map_err(fail)?,
            projects: section(&document, "projects", projects::read).map_err(fail)?,
            base_dir: file.parent().unwrap_or(Path::new("")).to_owned(),
        };
        projects::check(&read).map_err(fail)?;
        Ok(read)
    }

    /// The destination of that name, or what names there are.
    pub fn destination(&self, name: &str) -> Result<&Destination, String> {
        let found = self.destinations.get(name);
        found.ok_or_else(|| unknown("destination", name, self.destinations.keys()))
    }

    /// The destination of that name with its password, or why nothing can be published there, as far as this can be
    /// said without asking it; `env` reads a variable.
    pub fn publishable(
        &self,
        name: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(&Destination, Option<Secret>), Verdict> {
        let invalid = |cause| Verdict::new(VerdictKind::ConfigInvalid, cause);
        let found = self
            .destination(name)
            .map_err(|cause| invalid(cause).with_hint(UNDEFINED))?;
        match found {
            Destination::Directory(_) => Ok((found, None)),
            Destination::Pypi(pypi) => {
                let password = pypi.password.as_ref();
                let secret = password.map(|source| source.resolve(env, &self.base_dir));
                let secret = secret
                    .transpose()
                    .map_err(|cause| without_secret("destinations", name, &cause))?;
                Ok((found, secret))
            }
            Destination::Later(later) => {
                let kind = &later.kind;
                let cause = format!(
                    "destinations.{name} in aqueduct.toml: publishing to the type `{kind}` comes in a later version"
                );
                Err(invalid(cause).with_hint("use a destination of the type pypi or directory"))
            }
        }
    }

    /// The registry of that name, or what names there are.
    pub fn registry(&self, name: &str) -> Result<&RegistrySettings, String> {
        let found = self.registries.get(name);
        found.ok_or_else(|| unknown("registry", name, self.registries.keys()))
    }

    /// Why nothing can be pushed to the registry of that name, as far as this can be said without asking it.
    pub fn pushable(
        &self,
        name: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), Verdict> {
        let registry = self.registry(name).map_err(|cause| {
            Verdict::new(VerdictKind::ConfigInvalid, cause).with_hint(UNDEFINED)
        })?;
        let RegistryAuth::Password { password, .. } = &registry.auth else {
            return Ok(());
        };
        match password.resolve(env, &self.base_dir) {
            Ok(_) => Ok(()),
            Err(cause) => Err(without_secret("registries", name, &cause)),
        }
    }

    /// Names of the registries that hold `image`, a reference as it stands in a pipeline file.
    pub fn registries_of(&self, image: &str) -> impl Iterator<Item = &String> {
        let holds = |host: &str| {
            let rest = image.trim().strip_prefix(host);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let found = self.registries.iter();
        found
            .filter(move |(_, registry)| holds(&registry.host))
            .map(|(name, _)| name)
    }

    /// A path of the file as one that can be opened.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.base_dir.join(path)
    }
}

/// The tables that are read here, with what each may hold: heading and schema, for a reference.
pub fn tables() -> [(&'static str, Schema); 4] {
    [
        (
            "[destinations.NAME] with type = \"pypi\"",
            schema_for!(PypiDestination),
        ),
        (
            "[destinations.NAME] with type = \"directory\"",
            schema_for!(DirectoryDestination),
        ),
        ("[registries.NAME]", schema_for!(registry::Written)),
        ("[projects.\"GROUP/NAME\"]", schema_for!(Allowed)),
    ]
}

const UNDEFINED: &str = "define it in aqueduct.toml, or correct its name in the pipeline file";

fn without_secret(section: &str, name: &str, cause: &str) -> Verdict {
    let cause = format!("{section}.{name}.password in aqueduct.toml: {cause}");
    Verdict::new(VerdictKind::SecretMissing, cause)
        .with_hint("give the secret its value, or leave the release out")
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let known = if known.is_empty() {
        "none is defined".to_owned()
    } else {
        format!("there is {}", known.join(", "))
    };
    format!("no {kind} `{name}` in aqueduct.toml; {known}")
}

fn section<T>(
    document: &toml::Table,
    name: &str,
    read: impl Fn(&str, &toml::Table) -> Result<T, String>,
) -> Result<IndexMap<String, T>, String> {
    let entries = match document.get(name) {
        None => return Ok(IndexMap::new()),
        Some(toml::Value::Table(entries)) => entries,
        Some(_) => return Err(format!("`{name}` must be a table of tables")),
    };
    let read_entry = |(key, value): (&String, &toml::Value)| {
        let path = format!("{name}.{key}");
        let table = value
            .as_table()
            .ok_or_else(|| format!("`{path}` must be a table: write [{name}.NAME] above it"))?;
        Ok((key.clone(), read(&path, table)?))
    };
    entries.iter().map(read_entry).collect()
}

/// Reads a table into a type whose unknown keys are refused; the error names the table's path.
fn typed<T: serde::de::DeserializeOwned>(path: &str, table: toml::Table) -> Result<T, String> {
    let said = |error: toml::de::Error| {
        let message = error.message();
        let missing = message.strip_prefix("missing field `");
        match missing.and_then(|rest| rest.strip_suffix('`')) {
            Some(key) => format!("`{path}.{key}` is missing"),
            None => format!("`{path}`: {message}"),
        }
    };
    table.try_into().map_err(said)
}

#[cfg(test)]
mod tests;
