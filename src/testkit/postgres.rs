//! A PostgreSQL server: Debian's, with a cluster of its own.
//!
//! PostgreSQL refuses to run as root. Then its programs run as the user `postgres` that the package makes, and the
//! cluster belongs to that user.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use nix::unistd::{User, chown, geteuid};
use tempfile::TempDir;

use crate::{
    command::{At, Error, Result, run},
    peer::{Peer, free_port},
};

const PACKAGE: &str = "postgresql";
const SYSTEM_USER: &str = "postgres";
const LOGIN: &str = "aqueduct";
const PASSWORD: &str = "not a secret: 1/2@3";
/// The same in a URL.
const PASSWORD_IN_URL: &str = "not%20a%20secret%3A%201%2F2%403";

/// A running PostgreSQL; stopped and emptied on drop.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    port: u16,
    keeps_on_disk: bool,
    databases: AtomicU32,
    peer: Option<Peer>,
    dir: TempDir,
}

impl Postgres {
    /// A server that forgets what it holds if the machine stops: faster, and for tests that kill only its clients all the same.
    pub fn start() -> Result<Self> {
        Self::begin(false)
    }

    /// A server that flushes to the disk as it does by default.
    pub fn start_durable() -> Result<Self> {
        Self::begin(true)
    }

    fn begin(keeps_on_disk: bool) -> Result<Self> {
        let mut server = Self {
            programs: programs()?,
            port: 0,
            keeps_on_disk,
            databases: AtomicU32::new(0),
            peer: None,
            dir: tempfile::tempdir().at(&std::env::temp_dir())?,
        };
        server.make_cluster()?;
        // Another process may have taken the port between the choice and the start.
        let mut started = server.serve(free_port()?);
        for _ in 0..2 {
            if started.is_err() {
                started = server.serve(free_port()?);
            }
        }
        started?;
        Ok(server)
    }

    fn cluster(&self) -> PathBuf {
        self.dir.path().join("cluster")
    }

    fn make_cluster(&self) -> Result<()> {
        let password = self.dir.path().join("password");
        fs::write(&password, PASSWORD).at(&password)?;
        for path in [self.dir.path(), &password] {
            give_away(path)?;
        }
        let mut initdb = unprivileged(&self.programs.join("initdb"));
        initdb.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]);
        initdb.args(["--locale=C.UTF-8", "--username", LOGIN]);
        initdb.arg("--pwfile").arg(&password);
        initdb.arg("--pgdata").arg(self.cluster());
        initdb.current_dir(self.dir.path());
        run(&mut initdb, PACKAGE).map(drop)
    }

    fn serve(&mut self, port: u16) -> Result<()> {
        let mut command = unprivileged(&self.programs.join("postgres"));
        command.arg("-D").arg(self.cluster());
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        command.args(["-c", "unix_socket_directories="]);
        if !self.keeps_on_disk {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        }
        // SIGQUIT stops it at once, and it still gives its shared memory back.
        let dir = self.dir.path();
        let mut peer = Peer::stopped_by("QUIT", "PostgreSQL", PACKAGE, &command, dir)?;
        peer.wait_for(|log| log.contains("ready to accept connections").then_some(()))?;
        (self.port, self.peer) = (port, Some(peer));
        Ok(())
    }

    /// A new, empty database; answers its URL, password included.
    pub fn database(&self) -> Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let mut createdb = Command::new(self.programs.join("createdb"));
        createdb.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        createdb.args(["-U", LOGIN, "--no-password", &name]);
        createdb.env("PGPASSWORD", PASSWORD);
        run(&mut createdb, PACKAGE)?;
        let port = self.port;
        Ok(format!(
            "postgres://{LOGIN}:{PASSWORD_IN_URL}@127.0.0.1:{port}/{name}"
        ))
    }

    /// Stops the server as a crash would: its clients are cut off.
    pub fn stop(&mut self) {
        self.peer = None;
    }

    /// Starts it again on the same port.
    pub fn start_again(&mut self) -> Result<()> {
        self.stop();
        self.serve(self.port)
    }
}

/// Where the newest installed version keeps its programs.
fn programs() -> Result<PathBuf> {
    let versions = Path::new("/usr/lib/postgresql");
    let entries = fs::read_dir(versions).into_iter().flatten().flatten();
    let found = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| versions.join(format!("{version}/bin/postgres")).exists())
        .max();
    let missing = || Error::Missing {
        program: "postgres".into(),
        hint: crate::command::apt(PACKAGE),
    };
    let version = found.ok_or_else(missing)?;
    Ok(versions.join(version.to_string()).join("bin"))
}

/// A program that is not run as root, whoever we are.
pub(crate) fn unprivileged(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER]);
    command.arg("--clear-groups").arg(program);
    command
}

/// To the user that [`unprivileged`] runs as.
pub(crate) fn give_away(path: &Path) -> Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let found = User::from_name(SYSTEM_USER).map_err(std::io::Error::from);
    let missing = || Error::Missing {
        program: format!("user {SYSTEM_USER}"),
        hint: crate::command::apt(PACKAGE),
    };
    let user = found.at(path)?.ok_or_else(missing)?;
    let given = chown(path, Some(user.uid), Some(user.gid));
    given.map_err(std::io::Error::from).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(server: &Postgres, url: &str, sql: &str) -> Result<String> {
        let mut psql = Command::new(server.programs.join("psql"));
        psql.args(["--no-psqlrc", "-tAc", sql, url]);
        let output = run(&mut psql, PACKAGE)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    #[test]
    fn what_is_committed_outlives_a_stop() {
        let mut server = Postgres::start_durable().unwrap();
        let url = server.database().unwrap();
        let made = "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (7)";
        answer(&server, &url, made).unwrap();
        server.stop();
        assert!(answer(&server, &url, "SELECT 1").is_err());
        server.start_again().unwrap();
        assert_eq!(answer(&server, &url, "SELECT n FROM t").unwrap(), "7");
        assert_ne!(server.database().unwrap(), url);
    }
}
