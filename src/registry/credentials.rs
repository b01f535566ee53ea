//! Registry logins: docker's `config.json`, podman's `auth.json`, credential helpers.

use std::{
    collections::BTreeSet,
    env, fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

use crate::RegistryError;

/// What a registry or its token server is shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// User and password.
    Password {
        /// User name.
        username: String,
        /// Password or token.
        password: String,
    },
    /// A refresh token, traded for access tokens at the token server.
    IdentityToken(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => write!(f, "Password({username}, …)"),
            Self::IdentityToken(_) => f.write_str("IdentityToken(…)"),
        }
    }
}

type Lookup = dyn Fn(&str) -> Result<Option<Credential>, String> + Send + Sync;

/// Where logins are looked up.
#[derive(Clone)]
pub struct Credentials(Arc<Lookup>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Credentials {
    /// No logins at all.
    pub fn none() -> Self {
        Self::from_fn(|_| Ok(None))
    }

    /// Asks `lookup` for the login of a registry host; its error text must not hold secrets.
    pub fn from_fn(
        lookup: impl Fn(&str) -> Result<Option<Credential>, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(lookup))
    }

    /// The files of docker and podman, in this order: `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG/config.json`,
    /// `~/.docker/config.json`, `XDG_RUNTIME_DIR/containers/auth.json`, `~/.config/containers/auth.json`. The first
    /// that knows the registry wins; a missing file is skipped, except one that `REGISTRY_AUTH_FILE` names.
    pub fn from_environment() -> Self {
        Self::from_fn(|host| {
            if let Some(named) = env::var_os("REGISTRY_AUTH_FILE") {
                return from_file(Path::new(&named), host)?.must_exist(Path::new(&named));
            }
            for path in default_files() {
                if let Answer::Login(found) = from_file(&path, host)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })
    }

    /// One file in docker's format.
    pub fn from_config_file(path: PathBuf) -> Self {
        Self::from_fn(move |host| from_file(&path, host)?.must_exist(&path))
    }

    /// A text in docker's format, as GitLab's variable `DOCKER_AUTH_CONFIG` holds it; `name` is what messages call it.
    pub fn from_config_text(name: &str, text: String) -> Self {
        let name = PathBuf::from(name);
        Self::from_fn(
            move |host| match from_reader(text.as_bytes(), &name, host)? {
                Answer::Login(found) => Ok(Some(found)),
                Answer::NoFile | Answer::NoLogin => Ok(None),
            },
        )
    }

    /// Asks `self` first, `next` if it knows nothing.
    #[must_use]
    pub fn or(self, next: Self) -> Self {
        Self::from_fn(move |host| match (self.0)(host)? {
            Some(found) => Ok(Some(found)),
            None => (next.0)(host),
        })
    }

    /// As `self`, but nothing for these hosts.
    #[must_use]
    pub fn except(self, hosts: BTreeSet<String>) -> Self {
        Self::from_fn(move |host| {
            if hosts.contains(host) {
                Ok(None)
            } else {
                (self.0)(host)
            }
        })
    }

    /// The login for `registry`. Credential helpers are programs, so this runs on a thread that may block.
    pub(crate) async fn find(&self, registry: &str) -> Result<Option<Credential>, RegistryError> {
        let (lookup, host) = (Arc::clone(&self.0), registry.to_owned());
        let fail = |cause| RegistryError::Credentials {
            registry: registry.to_owned(),
            cause,
        };
        tokio::task::spawn_blocking(move || lookup(&host))
            .await
            .map_err(|_| fail("the credential helper was interrupted".into()))?
            .map_err(fail)
    }
}

fn default_files() -> Vec<PathBuf> {
    let var = |name| env::var_os(name).map(PathBuf::from);
    let docker = var("DOCKER_CONFIG").or_else(|| var("HOME").map(|home| home.join(".docker")));
    [
        docker.map(|dir| dir.join("config.json")),
        var("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")),
        var("HOME").map(|home| home.join(".config/containers/auth.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a file says about a host.
enum Answer {
    NoFile,
    NoLogin,
    Login(Credential),
}

impl Answer {
    fn must_exist(self, path: &Path) -> Result<Option<Credential>, String> {
        match self {
            Self::NoFile => Err(format!("{} does not exist", path.display())),
            Self::NoLogin => Ok(None),
            Self::Login(found) => Ok(Some(found)),
        }
    }
}

fn from_file(path: &Path, host: &str) -> Result<Answer, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Answer::NoFile),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    from_reader(io::BufReader::new(file), path, host)
}

fn from_reader(reader: impl io::Read, path: &Path, host: &str) -> Result<Answer, String> {
    // Docker files its own hub under the URL of an interface long gone.
    let host = if host == "docker.io" {
        "https://index.docker.io/v1/"
    } else {
        host
    };
    match get_credential_from_reader(reader, host) {
        Ok(DockerCredential::UsernamePassword(username, password)) => {
            Ok(Answer::Login(Credential::Password { username, password }))
        }
        Ok(DockerCredential::IdentityToken(token)) => {
            Ok(Answer::Login(Credential::IdentityToken(token)))
        }
        Err(error) => absent_or_error(error, path),
    }
}

fn absent_or_error(error: CredentialRetrievalError, path: &Path) -> Result<Answer, String> {
    match error {
        CredentialRetrievalError::NoCredentialConfigured => Ok(Answer::NoLogin),
        // A helper that has no login for the host says so on its output and fails.
        CredentialRetrievalError::HelperFailure { stdout, .. }
            if stdout.contains("credentials not found") =>
        {
            Ok(Answer::NoLogin)
        }
        // Its output may hold a secret.
        CredentialRetrievalError::HelperFailure { helper, .. } => {
            Err(format!("{helper} (named in {}) failed", path.display()))
        }
        other => Err(format!(
            "{}: {}",
            path.display(),
            other.to_string().to_lowercase()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[tokio::test]
    async fn logins_are_found_by_host_and_port() {
        let (_dir, path) = file(
            r#"{"auths":{"localhost:5000":{"auth":"dTpw"},"https://index.docker.io/v1/":{"auth":"aDpx"}}}"#,
        );
        let credentials = Credentials::from_config_file(path);
        let table = [
            ("localhost:5000", Some("u")),
            ("docker.io", Some("h")),
            ("other", None),
        ];
        for (host, user) in table {
            let found = credentials.find(host).await.unwrap();
            let name = found.map(|found| match found {
                Credential::Password { username, .. } => username,
                Credential::IdentityToken(_) => unreachable!(),
            });
            assert_eq!(name.as_deref(), user, "{host}");
        }
    }

    #[tokio::test]
    async fn a_broken_file_and_a_missing_helper_are_errors() {
        let (_dir, path) = file("{");
        assert!(Credentials::from_config_file(path).find("a").await.is_err());
        let (_dir, path) = file(r#"{"credHelpers":{"a":"aqueduct-test-no-such-helper"}}"#);
        let credentials = Credentials::from_config_file(path);
        assert!(credentials.find("a").await.is_err());
        assert_eq!(credentials.find("b").await.unwrap(), None);
        let missing = Credentials::from_config_file("/nonexistent/config.json".into());
        assert!(missing.find("a").await.is_err());
    }

    #[test]
    fn secrets_do_not_print() {
        let credential = Credential::Password {
            username: "u".into(),
            password: "hunter2".into(),
        };
        assert!(!format!("{credential:?}").contains("hunter2"));
        assert!(!format!("{:?}", Credential::IdentityToken("hunter2".into())).contains("hunter2"));
    }
}
