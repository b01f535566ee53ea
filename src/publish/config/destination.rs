//! Python repositories: `[destinations.NAME]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::{SecretSource, typed};

/// A Python repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A server of the legacy upload API with a Simple API to read back.
    Pypi(Box<PypiDestination>),
    /// A directory as a PEP 503 tree.
    Directory(DirectoryDestination),
    /// A kind that is read, but can't be published to yet.
    Later(LaterDestination),
}

/// A server of the legacy upload API with a Simple API to read back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PypiDestination {
    /// Where files are posted to, with its trailing slash where the server has one.
    pub upload_url: Url,
    /// Root of the Simple API; always with a trailing slash.
    pub index_url: Url,
    /// User name; `__token__` where only a password is given.
    #[serde(default)]
    pub username: Option<String>,
    /// Password or token.
    #[serde(default)]
    pub password: Option<SecretSource>,
}

/// A directory as a PEP 503 tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryDestination {
    /// The directory, relative to the file that names it; made when needed.
    pub path: PathBuf,
}

/// `type = "s3"` or `"codeartifact"`: options are kept unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaterDestination {
    /// The kind.
    pub kind: String,
}

/// Kinds that are coming.
const LATER: [&str; 2] = ["s3", "codeartifact"];

impl Destination {
    pub(super) fn read(path: &str, table: &toml::Table) -> Result<Self, String> {
        let mut table = table.clone();
        let kind = match table.remove("type") {
            Some(toml::Value::String(kind)) => kind,
            Some(_) => return Err(format!("`{path}.type` must be a string")),
            None => {
                return Err(format!(
                    "`{path}.type` is missing: pypi, directory, s3 or codeartifact"
                ));
            }
        };
        match kind.as_str() {
            "pypi" => PypiDestination::read(path, table).map(|read| Self::Pypi(Box::new(read))),
            "directory" => typed(path, table).map(Self::Directory),
            kind if LATER.contains(&kind) => {
                Ok(Self::Later(LaterDestination { kind: kind.into() }))
            }
            other => Err(format!(
                "`{path}.type`: no such type `{other}`; there is pypi, directory, s3, codeartifact"
            )),
        }
    }
}

impl PypiDestination {
    fn read(path: &str, table: toml::Table) -> Result<Self, String> {
        let mut read: Self = typed(path, table)?;
        for (key, url) in [
            ("upload_url", &read.upload_url),
            ("index_url", &read.index_url),
        ] {
            check_url(&format!("{path}.{key}"), url)?;
        }
        if read.username.is_some() && read.password.is_none() {
            return Err(format!("`{path}.username` without `password`"));
        }
        if !read.index_url.path().ends_with('/') {
            let with_slash = format!("{}/", read.index_url.path());
            read.index_url.set_path(&with_slash);
        }
        Ok(read)
    }
}

/// Only HTTP, and no credentials within: those would end up in logs.
fn check_url(path: &str, url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("`{path}` must be an http or https URL"));
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err(format!(
            "`{path}` holds credentials; write `username` and `password = {{ env = … }}`"
        ));
    }
    Ok(())
}
