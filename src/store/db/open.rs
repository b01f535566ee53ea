//! Why a database could not be opened.

use std::path::PathBuf;

use aqueduct_ports::store::StoreError;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another coordinator has the data directory.
    #[error("{} is in use by another coordinator: stop it first, or take another data directory", .0.display())]
    InUse(PathBuf),
    /// The directory or one of its files can't be made or opened.
    #[error("can't open {}: {cause}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The file is a database of some other program, or no database.
    #[error("{} is no database of aqueduct: take another data directory", .0.display())]
    NotOurs(PathBuf),
    /// The URL isn't one of PostgreSQL.
    #[error(
        "the database URL is not of the form postgres://user:password@host:port/name (it is not repeated here, since it may hold a password)"
    )]
    BadUrl,
    /// A later version of the program made the tables.
    #[error(
        "the database was made by a later aqueduct (its schema has version {0}): use that one or restore a backup"
    )]
    Newer(i64),
    /// The tables were not made by what this program calls the same version.
    #[error("the database's schema version {0} is not the one of this aqueduct")]
    Changed(i64),
    /// Bringing the tables up to date failed.
    #[error("the database's tables could not be brought up to date: {0}")]
    Migration(String),
    /// The database failed.
    #[error(transparent)]
    Database(StoreError),
}
