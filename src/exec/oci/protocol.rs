//! What the executor and the container starter say to each other over the starter's standard input, a socket.
//!
//! The executor sends one [`Order`], then single bytes ([`TERMINATE`], [`KILL`]); the starter answers with one
//! [`Report`] before it exits. If the executor dies its end closes, and the starter kills the container.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// SIGTERM to every process of the container.
pub(super) const TERMINATE: u8 = b'T';
/// SIGKILL to every process of the container.
pub(super) const KILL: u8 = b'K';

/// Larger messages are mistakes: an environment can't be larger.
const LIMIT: u32 = 64 << 20;

/// One container to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Name of the container and of its cgroup; unique on the machine.
    pub(super) id: String,
    /// The attempt's directory: writable layer, mount point, libcontainer's state.
    pub(super) dir: PathBuf,
    /// The store's directory of unpacked layers.
    pub(super) layers_dir: PathBuf,
    /// Their names in it, lowest first.
    pub(super) layers: Vec<String>,
    /// Directories and files of the machine that the container sees, writable.
    pub(super) binds: Vec<Bind>,
    /// Working directory inside.
    pub(super) cwd: PathBuf,
    /// The environment; `HOME` is added where it lacks.
    pub(super) env: Vec<(String, String)>,
    /// `name`, `uid` or either with `:group`; empty for root.
    pub(super) user: String,
    /// Goes before the shell on the command line.
    pub(super) entrypoint: Vec<String>,
    /// The script's path inside.
    pub(super) script: PathBuf,
    /// In bytes.
    pub(super) memory_limit: Option<u64>,
}

/// A path of the machine under a path of the container.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Bind {
    /// On the machine.
    pub(super) source: PathBuf,
    /// Inside.
    pub(super) target: PathBuf,
    /// Handed to the container's user, if that isn't root.
    pub(super) give: bool,
}

/// How it went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The script ran.
    Exited {
        /// 128 + n for signal n.
        exit_code: i32,
        /// In bytes.
        peak_memory: Option<u64>,
        /// The kernel killed a process of the container for memory.
        out_of_memory: bool,
    },
    /// It never started.
    Failed(Failure),
}

/// Why a container did not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{cause}")]
pub(super) struct Failure {
    /// Whom it blames.
    pub(super) kind: FailureKind,
    /// In one line.
    pub(super) cause: String,
}

/// Whom a failed start blames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FailureKind {
    /// The image has no shell.
    NoShell,
    /// The pipeline or the image asks for something that isn't there.
    Config,
    /// The machine.
    Machine,
}

impl Failure {
    /// The machine's fault: `what` failed with `error`.
    pub(super) fn machine(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self {
            kind: FailureKind::Machine,
            cause: format!("{what}: {error}"),
        }
    }

    /// The pipeline's or the image's fault.
    pub(super) fn config(cause: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Config,
            cause: cause.into(),
        }
    }
}

/// Writes a message: four bytes of length, then JSON.
pub(super) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&body)
}

/// Reads what [`send`] wrote.
pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LIMIT {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let failure = Failure::config("no such user");
        let mut wire = Vec::new();
        send(&mut wire, &Report::Failed(failure.clone())).unwrap();
        let Report::Failed(back) = receive(&mut wire.as_slice()).unwrap() else {
            panic!("another report came back");
        };
        assert_eq!(back, failure);
        assert!(receive::<Report>(&mut &wire[..wire.len() - 1]).is_err());
        assert!(receive::<Report>(&mut &[255_u8; 8][..]).is_err());
    }
}
