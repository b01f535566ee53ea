//! Debian's docker-registry 2.8 on loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    command::{At, Result, run},
    peer::Peer,
};

/// A running registry; stopped and emptied on drop.
#[derive(Debug)]
pub struct Registry {
    host: String,
    storage: PathBuf,
    peer: Peer,
    _dir: Option<TempDir>,
}

/// What a registry is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    login: Option<(String, String)>,
    storage: Option<PathBuf>,
}

impl Options {
    /// Asks for this user and password (HTTP basic authentication).
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Keeps configuration and blobs in `dir`, which outlives the registry.
    #[must_use]
    pub fn storage(mut self, dir: &Path) -> Self {
        self.storage = Some(dir.to_owned());
        self
    }

    /// Starts the registry and waits until it listens.
    pub fn start(self) -> Result<Registry> {
        let (dir, temporary) = place(self.storage.as_deref())?;
        let auth = match &self.login {
            Some((user, password)) => {
                let file = dir.join("htpasswd");
                fs::write(&file, htpasswd(&["-nbB"], user, password)?).at(&file)?;
                format!(
                    "auth: {{htpasswd: {{realm: aqueduct, path: \"{}\"}}}}\n",
                    file.display()
                )
            }
            None => String::new(),
        };
        let storage = dir.join("storage");
        fs::create_dir_all(&storage).at(&storage)?;
        let config = dir.join("config.yml");
        let text = format!(
            "version: 0.1\n\
             log: {{level: info}}\n\
             storage: {{filesystem: {{rootdirectory: \"{}\"}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"127.0.0.1:0\", secret: aqueduct}}\n{auth}",
            storage.display()
        );
        fs::write(&config, text).at(&config)?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config);
        let mut peer = Peer::start("docker-registry", "docker-registry", &command, &dir)?;
        let host = peer.wait_for(listening)?;
        Ok(Registry {
            host,
            storage,
            peer,
            _dir: temporary,
        })
    }
}

impl Registry {
    /// An open registry with its storage in a temporary directory.
    pub fn start() -> Result<Self> {
        Options::default().start()
    }

    /// `127.0.0.1:PORT`, as it stands in an image reference. Plain HTTP.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its blobs, for tests that damage them.
    pub fn storage(&self) -> &Path {
        &self.storage
    }

    /// Its log, with one line per request: for tests that count requests.
    pub fn log(&self) -> String {
        self.peer.log()
    }
}

/// The directory to work in, and its guard if it is a temporary one.
pub(crate) fn place(given: Option<&Path>) -> Result<(PathBuf, Option<TempDir>)> {
    if let Some(dir) = given {
        fs::create_dir_all(dir).at(dir)?;
        return Ok((dir.to_owned(), None));
    }
    let dir = tempfile::tempdir().at(&std::env::temp_dir())?;
    Ok((dir.path().to_owned(), Some(dir)))
}

/// A line of an htpasswd file.
pub(crate) fn htpasswd(flags: &[&str], user: &str, password: &str) -> Result<Vec<u8>> {
    let mut command = Command::new("htpasswd");
    command.args(flags).args([user, password]);
    Ok(run(&mut command, "apache2-utils")?.stdout)
}

/// Port 0 makes the kernel choose; the log tells what it chose.
fn listening(log: &str) -> Option<String> {
    let rest = log.split_once("listening on ")?.1;
    let end = rest.find('"')?;
    Some(rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use super::*;

    fn status(registry: &Registry, header: &str) -> String {
        let mut stream = TcpStream::connect(registry.host()).unwrap();
        let request = format!(
            "GET /v2/ HTTP/1.0\r\nHost: {}\r\n{header}\r\n",
            registry.host()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn open_and_with_a_password() {
        let open = Registry::start().unwrap();
        assert_eq!(status(&open, ""), "HTTP/1.0 200 OK");
        assert!(open.log().contains("GET"), "{}", open.log());

        let closed = Options::default().login("ci", "secret").start().unwrap();
        assert_eq!(status(&closed, ""), "HTTP/1.0 401 Unauthorized");
        let login = "Authorization: Basic Y2k6c2VjcmV0\r\n";
        assert_eq!(status(&closed, login), "HTTP/1.0 200 OK");
    }

    #[test]
    fn the_address_is_read_from_the_log() {
        let line = r#"time="2026" level=info msg="listening on 127.0.0.1:4021" version=2.8"#;
        assert_eq!(listening(line).as_deref(), Some("127.0.0.1:4021"));
        assert_eq!(listening("starting"), None);
    }
}
