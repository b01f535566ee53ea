//! Traces over the store and the objects: reading one wherever it lies, and sealing those that are over.
//!
//! A trace is written in chunks into the database, where an append is a transaction, and ends as one object, where it
//! costs the database nothing. The change from one to the other is a single transaction too: a reader sees the same bytes before,
//! during and after.

mod read;
mod seal;

use aqueduct_ports::store::{ObjectError, StoreError};

pub use read::read_trace;
pub use seal::{seal_trace, sweep_objects};

/// Why a trace could not be read or sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The database said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The objects did.
    #[error(transparent)]
    Object(#[from] ObjectError),
}
