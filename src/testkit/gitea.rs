//! Gitea: a real forge, built from the Go module proxy and started as a user without rights.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    cache,
    command::{At, Error, Result, run, tail},
    peer::{Peer, answers_http, free_port},
    postgres::{give_away, unprivileged},
};

const VERSION: &str = "1.25.0";
const MODULE: &str = "code.gitea.io/gitea";
/// How a missing compiler comes to be there: Debian's may be too old.
const GO: &str = "golang-go, or Go 1.25 from go.dev/dl";
/// Not a secret.
const PASSWORD: &str = "owner-password-1";

/// What Gitea's own `go.mod` replaces and excludes; those lines count in the main module alone.
const GO_MOD: &str = "\
module peers/gitea

go 1.25.1

require code.gitea.io/gitea v1.25.0

replace github.com/jaytaylor/html2text => github.com/Necoro/html2text v0.0.0-20250804200300-7bf1ce1c7347
replace github.com/hashicorp/go-version => github.com/6543/go-version v1.3.1
replace github.com/nektos/act => gitea.com/gitea/act v0.261.7-0.20251003180512-ac6e4b751763
replace git.sr.ht/~mariusor/go-xsd-duration => gitea.com/gitea/go-xsd-duration v0.0.0-20220703122237-02e73435a078
exclude github.com/gofrs/uuid v3.2.0+incompatible
exclude github.com/gofrs/uuid v4.0.0+incompatible
exclude github.com/goccy/go-json v0.4.11
exclude github.com/satori/go.uuid v1.2.0
";

/// A running Gitea with one user, `owner`; stopped and emptied on drop.
#[derive(Debug)]
pub struct Gitea {
    port: u16,
    token: String,
    peer: Option<Peer>,
    dir: TempDir,
}

impl Gitea {
    /// A server that knows its user and nothing else.
    pub fn start() -> Result<Self> {
        let installed = install()?;
        let mut server = Self {
            port: free_port()?,
            token: String::new(),
            peer: None,
            dir: tempfile::tempdir().at(&std::env::temp_dir())?,
        };
        server.lay_out(&installed)?;
        server.make_user()?;
        server.serve()?;
        Ok(server)
    }

    /// Where it answers, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The name and the password of its user.
    pub const fn login(&self) -> (&'static str, &'static str) {
        ("owner", PASSWORD)
    }

    /// A token of its user that may do everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its log.
    pub fn log(&self) -> String {
        self.peer.as_ref().map(Peer::log).unwrap_or_default()
    }

    /// Stops the server as a crash would.
    pub fn stop(&mut self) {
        self.peer = None;
    }

    /// Starts it again on the same port.
    pub fn start_again(&mut self) -> Result<()> {
        self.stop();
        self.serve()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Everything lies where that user may read it; a cache may lie in a home directory that is closed to it.
    fn lay_out(&self, installed: &Path) -> Result<()> {
        let mut copy = Command::new("cp");
        copy.arg("-r")
            .arg(installed.join("static"))
            .arg(self.dir.path());
        run(&mut copy, "coreutils")?;
        let program = self.path("gitea");
        if fs::hard_link(installed.join("gitea"), &program).is_err() {
            fs::copy(installed.join("gitea"), &program).at(&program)?;
        }
        let settings = self.path("app.ini");
        fs::write(&settings, self.settings()).at(&settings)?;
        for path in [self.dir.path(), &settings] {
            give_away(path)?;
        }
        Ok(())
    }

    fn settings(&self) -> String {
        let (dir, port) = (self.dir.path().display(), self.port);
        let user = if nix::unistd::geteuid().is_root() {
            "RUN_USER = postgres\n"
        } else {
            ""
        };
        format!(
            "APP_NAME = Gitea\n{user}RUN_MODE = prod\nWORK_PATH = {dir}\n\
             [server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = http://127.0.0.1:{port}/\n\
             STATIC_ROOT_PATH = {dir}/static\nDISABLE_SSH = true\nSSH_ROOT_PATH = {dir}/ssh\nSSH_CREATE_AUTHORIZED_KEYS_FILE = false\nOFFLINE_MODE = true\n\
             [database]\nDB_TYPE = sqlite3\nPATH = {dir}/gitea.db\nSQLITE_JOURNAL_MODE = WAL\n\
             [security]\nINSTALL_LOCK = true\nPASSWORD_HASH_ALGO = pbkdf2_v1\n\
             [webhook]\nALLOWED_HOST_LIST = loopback\nDELIVER_TIMEOUT = 10\n\
             [service]\nDISABLE_REGISTRATION = true\n\
             [actions]\nENABLED = false\n\
             [indexer]\nISSUE_INDEXER_TYPE = db\n\
             [log]\nMODE = console\nLEVEL = Info\n"
        )
    }

    fn gitea(&self, args: &[&str]) -> Command {
        let mut command = unprivileged(&self.path("gitea"));
        command.arg("--config").arg(self.path("app.ini"));
        command.args(args).current_dir(self.dir.path());
        command.env("HOME", self.dir.path()).env("USER", "postgres");
        command
    }

    fn make_user(&mut self) -> Result<()> {
        run(&mut self.gitea(&["migrate"]), GO)?;
        let create = [
            "admin",
            "user",
            "create",
            "--admin",
            "--username",
            "owner",
            "--password",
            PASSWORD,
            "--email",
            "owner@example.com",
            "--must-change-password=false",
            "--access-token",
            "--access-token-scopes",
            "all",
        ];
        let output = run(&mut self.gitea(&create), GO)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let hexadecimal =
            |word: &&str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let token = text.split_whitespace().find(hexadecimal);
        let missing = || Error::NotReady {
            peer: "Gitea's token".into(),
            log: tail(&text, 2000),
        };
        token.ok_or_else(missing)?.clone_into(&mut self.token);
        Ok(())
    }

    fn serve(&mut self) -> Result<()> {
        let command = self.gitea(&["web"]);
        let mut peer = Peer::start("Gitea", GO, &command, self.dir.path())?;
        let port = self.port;
        peer.wait_for(|_| answers_http(port).then_some(()))?;
        self.peer = Some(peer);
        Ok(())
    }
}

/// Whether [`install`] has nothing to do.
pub fn ready() -> bool {
    cache::complete(&name())
}

/// The program `gitea`, and beside it, in `static`, its templates and texts. Five minutes the first time.
pub fn install() -> Result<PathBuf> {
    cache::once(&name(), |dir| {
        let sources = download(dir)?;
        fs::write(dir.join("go.mod"), GO_MOD).at(dir)?;
        fs::copy(sources.join("go.sum"), dir.join("go.sum")).at(dir)?;
        let mut mode = Command::new("chmod");
        run(mode.arg("u+w").arg(dir.join("go.sum")), "coreutils")?;
        let mut build = go(dir);
        build.args([
            "build",
            "-mod=mod",
            "-tags",
            "sqlite sqlite_unlock_notify",
            "-o",
            "gitea",
            MODULE,
        ]);
        run(&mut build, GO)?;
        let parts = dir.join("static");
        fs::create_dir(&parts).at(&parts)?;
        let mut copy = Command::new("cp");
        copy.args(["-r", "--no-preserve=mode"]);
        for part in ["options", "public", "templates"] {
            copy.arg(sources.join(part));
        }
        run(copy.arg(&parts), "coreutils").map(drop)
    })
}

fn name() -> String {
    format!("gitea-{VERSION}")
}

/// The module's sources, in Go's own cache.
fn download(dir: &Path) -> Result<PathBuf> {
    let mut download = go(dir);
    download.args(["mod", "download", "-json"]);
    let output = run(download.arg(format!("{MODULE}@v{VERSION}")), GO)?;
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let path = told["Dir"].as_str().map(PathBuf::from);
    path.ok_or_else(|| Error::NotReady {
        peer: MODULE.into(),
        log: String::from_utf8_lossy(&output.stdout).into_owned(),
    })
}

fn go(dir: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(dir).env("CGO_ENABLED", "1");
    go
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_user_can_log_in_and_comes_back_after_a_stop() {
        let mut server = Gitea::start().unwrap();
        for _ in 0..2 {
            let mut curl = Command::new("curl");
            let header = format!("Authorization: token {}", server.token());
            curl.args(["-sf", "-H", &header])
                .arg(format!("{}/api/v1/user", server.url()));
            let output = run(&mut curl, "curl").unwrap();
            assert!(String::from_utf8_lossy(&output.stdout).contains("\"login\":\"owner\""));
            server.start_again().unwrap();
        }
    }
}
