//! pypiserver, standing for one regional Python repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    command::{At, Result},
    peer::{Peer, answers_http, free_port},
    registry::{htpasswd, place},
    venv,
};

/// Pinned, because its answers are part of what the tests pin down.
const VERSION: &str = "2.4.2";

/// A running pypiserver; stopped and emptied on drop.
#[derive(Debug)]
pub struct PypiServer {
    port: u16,
    packages: PathBuf,
    peer: Peer,
    _dir: Option<TempDir>,
}

/// What a pypiserver is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    login: Option<(String, String)>,
    overwrite: bool,
    storage: Option<PathBuf>,
}

impl Options {
    /// Asks for this user and password to upload; reading stays open.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Replaces a file of the same name instead of answering 409.
    #[must_use]
    pub fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Keeps the packages in `dir`, which outlives the server.
    #[must_use]
    pub fn storage(mut self, dir: &Path) -> Self {
        self.storage = Some(dir.to_owned());
        self
    }

    /// Starts the server and waits until it answers.
    pub fn start(self) -> Result<PypiServer> {
        let program = install()?;
        let (dir, temporary) = place(self.storage.as_deref())?;
        let packages = dir.join("packages");
        fs::create_dir_all(&packages).at(&packages)?;
        let mut peer = self.serve(&program, &dir, &packages);
        // Another process may have taken the port between the choice and the start.
        for _ in 0..2 {
            if peer.is_err() {
                peer = self.serve(&program, &dir, &packages);
            }
        }
        let (port, peer) = peer?;
        Ok(PypiServer {
            port,
            packages,
            peer,
            _dir: temporary,
        })
    }

    fn serve(&self, program: &Path, dir: &Path, packages: &Path) -> Result<(u16, Peer)> {
        let port = free_port()?;
        let mut command = Command::new(program);
        command.args(["run", "--interface", "127.0.0.1", "--disable-fallback"]);
        command.args(["--log-req-frmt", "%s", "-v"]);
        command.arg("--port").arg(port.to_string());
        match &self.login {
            Some((user, password)) => {
                let file = dir.join("htpasswd");
                // passlib reads Apache's MD5 form without a further library.
                fs::write(&file, htpasswd(&["-nbm"], user, password)?).at(&file)?;
                command.arg("--passwords").arg(&file);
                command.args(["--authenticate", "update"]);
            }
            None => {
                command.args(["--passwords", ".", "--authenticate", "."]);
            }
        }
        if self.overwrite {
            command.arg("--overwrite");
        }
        command.arg(packages);
        let mut peer = Peer::start("pypiserver", "python3-venv", &command, dir)?;
        peer.wait_for(|_| answers_http(port).then_some(()))?;
        Ok((port, peer))
    }
}

impl PypiServer {
    /// A server without authentication, with its packages in a temporary directory.
    pub fn start() -> Result<Self> {
        Options::default().start()
    }

    /// Where files are posted to.
    pub fn upload_url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The simple index: pip's `--index-url`.
    pub fn index_url(&self) -> String {
        format!("http://127.0.0.1:{}/simple/", self.port)
    }

    /// The directory that holds the uploaded files.
    pub fn packages(&self) -> &Path {
        &self.packages
    }

    /// Its log.
    pub fn log(&self) -> String {
        self.peer.log()
    }
}

/// The program, in a virtual environment of its own in the cache.
pub fn install() -> Result<PathBuf> {
    let server = format!("pypiserver=={VERSION}");
    let name = format!("pypiserver-{VERSION}");
    let environment = venv::with(&name, &[&server, "passlib==1.7.4"])?;
    Ok(environment.join("bin/pypi-server"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::run;

    fn upload(server: &PypiServer, login: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("demo-1.0.tar.gz");
        fs::write(&file, "not really one").unwrap();
        let mut curl = Command::new("curl");
        curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-u", login]);
        curl.args([
            "-F",
            ":action=file_upload",
            "-F",
            "name=demo",
            "-F",
            "version=1.0",
        ]);
        curl.arg("-F").arg(format!("content=@{}", file.display()));
        curl.arg(server.upload_url());
        String::from_utf8(run(&mut curl, "curl").unwrap().stdout).unwrap()
    }

    #[test]
    fn uploads_need_the_password_and_refuse_a_second_file() {
        let server = Options::default().login("ci", "secret").start().unwrap();
        assert_eq!(upload(&server, "ci:wrong"), "403");
        assert_eq!(upload(&server, "ci:secret"), "200");
        assert_eq!(upload(&server, "ci:secret"), "409");
        assert!(server.packages().join("demo-1.0.tar.gz").exists());
    }
}
