//! How long a text may be that the database finds rows by.

use aqueduct_ports::store::{NAME_LIMIT, StoreError};

/// [`StoreError::TooLong`] if a name has more bytes than an index of either database takes.
pub(super) fn check(what: &'static str, name: &str) -> Result<(), StoreError> {
    if name.len() > NAME_LIMIT {
        Err(StoreError::TooLong(what))
    } else {
        Ok(())
    }
}
