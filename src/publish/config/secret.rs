//! Secrets are named in files, never written there, and never printed.

use std::{
    borrow::Cow,
    fmt, fs,
    path::{Path, PathBuf},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Where a secret is found: `{ env = "NAME" }` or `{ file = "PATH" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; one trailing newline is not part of the secret.
    File(PathBuf),
}

/// A secret's value. Neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl SecretSource {
    /// Looks the secret up; `env` reads a variable, relative files lie in `base_dir`.
    pub fn resolve(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
        base_dir: &Path,
    ) -> Result<Secret, String> {
        let value = match self {
            Self::Env(name) => {
                env(name).ok_or_else(|| format!("the environment variable {name} is not set"))?
            }
            Self::File(path) => {
                let path = base_dir.join(path);
                let text = fs::read_to_string(&path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                text.strip_suffix('\r').unwrap_or(text).to_owned()
            }
        };
        if value.is_empty() {
            return Err(format!("{self} is empty"));
        }
        Ok(Secret(value))
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    env: Option<String>,
    file: Option<PathBuf>,
}

impl JsonSchema for SecretSource {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "title": "`{ env = \"NAME\" }` or `{ file = \"PATH\" }`"})
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let wanted = "a secret is written as { env = \"NAME\" } or { file = \"PATH\" }";
        // The value itself stays out of the message: it may be the secret.
        let written = match value {
            toml::Value::Table(table) => table.try_into::<Written>().ok(),
            _ => None,
        };
        match written {
            Some(Written {
                env: Some(env),
                file: None,
            }) => Ok(Self::Env(env)),
            Some(Written {
                env: None,
                file: Some(file),
            }) => Ok(Self::File(file)),
            _ => Err(de::Error::custom(wanted)),
        }
    }
}
