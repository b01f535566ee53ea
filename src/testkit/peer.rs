//! A server process that lives no longer than its guard and no longer than this process.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::command::{At, Error, Result, start_error, tail};

/// Starts `"$@"` and sends it a signal once standard input ends: the write end of that pipe is held by the
/// guard's process alone, so not even `kill -9` of a test leaves a server behind. Everything is
/// collected before the shell ends, so no zombie is left to whoever adopts it.
const WATCHED: &str = r#"
signal=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
peer=$!
(read -r _ <&3; kill -$signal $peer) 2>/dev/null &
watcher=$!
exec 3<&-
wait $peer
kill -9 $watcher 2>/dev/null
wait
"#;

/// How long a server may take to come up; generous, since the machine may be busy with tests.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long the shell may take to collect a killed server.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Stops its process group on drop.
#[derive(Debug)]
pub(crate) struct Peer {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Peer {
    /// Starts `command` with its output in a log file in `dir`.
    pub(crate) fn start(name: &str, package: &str, command: &Command, dir: &Path) -> Result<Self> {
        Self::stopped_by("KILL", name, package, command, dir)
    }

    /// As [`Self::start`], for a server that has something to clear away and does so at once on this signal.
    pub(crate) fn stopped_by(
        signal: &str,
        name: &str,
        package: &str,
        command: &Command,
        dir: &Path,
    ) -> Result<Self> {
        let program = Path::new(command.get_program());
        if find_program(program).is_none() {
            let missing = std::io::ErrorKind::NotFound.into();
            return Err(start_error(command, package, missing));
        }
        let log = dir.join("log");
        let output = File::create(&log).at(&log)?;
        let errors = output.try_clone().at(&log)?;
        let mut watched = Command::new("/bin/sh");
        watched.args(["-c", WATCHED, "peer", signal]).arg(program);
        watched.args(command.get_args()).current_dir(dir);
        let child = watched
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .at(Path::new("/bin/sh"))?;
        let name = name.to_owned();
        Ok(Self { name, child, log })
    }

    /// Waits until `probe` of the log so far gives a value.
    pub(crate) fn wait_for<T>(&mut self, probe: impl Fn(&str) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let log = self.log();
            if let Some(value) = probe(&log) {
                return Ok(value);
            }
            let ended = self.child.try_wait().ok().flatten().is_some();
            if ended || Instant::now() > deadline {
                return Err(Error::NotReady {
                    peer: self.name.clone(),
                    log: tail(&log, 4000),
                });
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// What the server has logged so far.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + STOP_LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(Duration::from_millis(2));
        }
        // Only fails when the group is gone, which is what is wanted.
        let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Where a program is, by `PATH` or by its own path.
pub(crate) fn find_program(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.exists().then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
}

/// A port on the loopback interface that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let address = Path::new("127.0.0.1:0");
    let listener = TcpListener::bind(("127.0.0.1", 0)).at(address)?;
    Ok(listener.local_addr().at(address)?.port())
}

/// Whether an HTTP server answers on that loopback port, whatever the status.
pub(crate) fn answers_http(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut start = [0; 5];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP/")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(pid: i32) -> bool {
        // A killed process may stay a zombie until its adoptive parent collects it.
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn a_dropped_guard_leaves_no_process() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo pid $$; exec sleep 600"]);
        let mut peer = Peer::start("sleeper", "dash", &command, dir.path()).unwrap();
        let pid: i32 = peer
            .wait_for(|log| log.trim().strip_prefix("pid ")?.parse().ok())
            .unwrap();
        assert!(alive(pid));
        drop(peer);
        assert!(!alive(pid));
    }

    #[test]
    fn a_server_dies_with_the_process_that_holds_the_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo pid $$; exec sleep 600"]);
        let mut peer = Peer::start("sleeper", "dash", &command, dir.path()).unwrap();
        let pid: i32 = peer
            .wait_for(|log| log.trim().strip_prefix("pid ")?.parse().ok())
            .unwrap();
        drop(peer.child.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        while alive(pid) {
            assert!(Instant::now() < deadline, "still alive");
            sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo address in use; exit 1"]);
        let mut peer = Peer::start("broken", "dash", &command, dir.path()).unwrap();
        let error = peer.wait_for(|_| None::<()>).unwrap_err().to_string();
        assert!(error.contains("address in use"), "{error}");
    }
}
