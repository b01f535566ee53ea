//! Running other programs, and the one error type of this crate.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What can go wrong while a peer is prepared or started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not installed.
    #[error("`{program}` is not installed; `cargo xtask test` installs it, or: {hint}")]
    Missing {
        /// Name of the program.
        program: String,
        /// The command that installs it.
        hint: String,
    },
    /// The program ended with a failure.
    #[error("`{command}` failed ({status}): {output}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// A server did not answer in time.
    #[error("{peer} did not come up: {log}")]
    NotReady {
        /// Which peer.
        peer: String,
        /// What it logged.
        log: String,
    },
    /// A layout has no such image.
    #[error("{reference} does not exist")]
    NoImage {
        /// `oci:PATH:TAG`.
        reference: String,
    },
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Adds the path to an I/O error.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })
    }
}

/// The install command for a Debian package.
pub(crate) fn apt(package: &str) -> String {
    format!("apt-get install -y {package}")
}

/// Runs a command to its end; its output is returned, and part of the error if it fails.
///
/// `package` is the Debian package that a missing program comes from.
pub fn run(command: &mut Command, package: &str) -> Result<Output> {
    let output = command
        .output()
        .map_err(|source| start_error(command, package, source))?;
    if output.status.success() {
        return Ok(output);
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Failed {
        command: shown(command),
        status: output.status.to_string(),
        output: tail(&text, 4000),
    })
}

pub(crate) fn start_error(command: &Command, package: &str, source: io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    if source.kind() == io::ErrorKind::NotFound {
        let hint = apt(package);
        return Error::Missing { program, hint };
    }
    let path = PathBuf::from(program);
    Error::Io { path, source }
}

fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last `limit` bytes of a text, cut at a character.
pub(crate) fn tail(text: &str, limit: usize) -> String {
    let text = text.trim_end();
    let start = text.len().saturating_sub(limit);
    let start = (start..=text.len()).find(|&at| text.is_char_boundary(at));
    text[start.unwrap_or(0)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_says_how_to_install_it() {
        let error = run(&mut Command::new("no-such-program-here"), "some-package").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("apt-get install -y some-package"), "{text}");
    }

    #[test]
    fn a_failure_carries_status_and_output() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let text = run(&mut command, "dash").unwrap_err().to_string();
        for part in ["sh -c", "exit status: 3", "out\nerr"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_tail_is_cut_at_a_character() {
        assert_eq!(tail("aéb\n", 2), "b");
        assert_eq!(tail("short", 100), "short");
    }
}
