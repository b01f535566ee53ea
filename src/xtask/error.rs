//! What stops a development command.

use std::{io, path::PathBuf};

/// The one error type of this program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("unknown command or argument\n\n{0}")]
    Usage(&'static str),
    #[error(transparent)]
    Peer(#[from] aqueduct_testkit::Error),
    #[error("{0} failed; its output stands above")]
    Command(String),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{what} needs root: run this as root, or first: {command}")]
    Root { what: String, command: String },
    #[error("{0}")]
    Unexpected(String),
}

/// `Result` with this program's [`Error`].
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Adds the path to an I/O error.
pub(crate) trait At<T> {
    fn at(self, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| Error::Io {
            path: path.into(),
            source,
        })
    }
}
