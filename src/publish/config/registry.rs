//! OCI registries: `[registries.NAME]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{SecretSource, typed};

/// A registry that `copy_to` can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Host, with its port where it has one.
    pub host: String,
    /// Put before the repository's name.
    pub prefix: Option<String>,
    /// How to log in.
    pub auth: RegistryAuth,
    /// Without TLS; loopback addresses need not say so.
    pub plain_http: bool,
}

/// How to log in to a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryAuth {
    /// `auth = "docker-config"`, the default: docker's and podman's files and helpers.
    DockerConfig,
    /// `auth = "anonymous"`.
    Anonymous,
    /// `username` and `password`.
    Password {
        /// User name.
        username: String,
        /// Where the password is.
        password: SecretSource,
    },
}

/// A registry that `copy_to` can name: with `auth`, or with `username` and `password`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// Host, with its port where it has one; must be given.
    host: Option<String>,
    /// Put before the repository's name.
    prefix: Option<String>,
    /// How to log in where no `username` and `password` stand: with docker's and podman's files and helpers (the default), or not.
    auth: Option<WrittenAuth>,
    /// User name, with `password`.
    username: Option<String>,
    /// Password or token, with `username`.
    password: Option<SecretSource>,
    /// Speak HTTP; loopback addresses need not say so.
    #[serde(default)]
    plain_http: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum WrittenAuth {
    DockerConfig,
    Anonymous,
}

impl RegistrySettings {
    pub(super) fn read(path: &str, table: &toml::Table) -> Result<Self, String> {
        let written: Written = typed(path, table.clone())?;
        let host = written.host.ok_or_else(|| {
            format!("`{path}.host` is missing: write host = \"registry.example.com\", with its port where it has one")
        })?;
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(format!(
                "`{path}.host` must be a host without scheme, login and path"
            ));
        }
        let auth = match (written.auth, written.username, written.password) {
            (None, Some(username), Some(password)) => RegistryAuth::Password { username, password },
            (None | Some(WrittenAuth::DockerConfig), None, None) => RegistryAuth::DockerConfig,
            (Some(WrittenAuth::Anonymous), None, None) => RegistryAuth::Anonymous,
            _ => {
                return Err(format!(
                    "`{path}` wants either `auth` or both `username` and `password`"
                ));
            }
        };
        Ok(Self {
            host,
            prefix: written
                .prefix
                .map(|prefix| prefix.trim_matches('/').to_owned()),
            auth,
            plain_http: written.plain_http,
        })
    }

    /// The repository that `repository` of another registry is copied to.
    pub fn repository_for(&self, repository: &str) -> String {
        match &self.prefix {
            Some(prefix) if !prefix.is_empty() => format!("{prefix}/{repository}"),
            _ => repository.to_owned(),
        }
    }
}
