//! Objects: large bytes outside of the database, by key.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

/// The bytes of an object, in pieces.
pub type ObjectBody = BoxStream<'static, Result<Bytes, ObjectError>>;

/// Large bytes outside of the database: a directory, later S3. Keys are those of `core::object`.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Writes an object: complete and on stable storage when this returns, and before that not visible at all. It replaces one
    /// of the same key. An error in `body` is answered as it is and nothing is kept. More than `limit` bytes:
    /// [`ObjectError::TooLarge`].
    async fn put(&self, key: &str, body: ObjectBody, limit: u64)
    -> Result<ObjectInfo, ObjectError>;

    /// The bytes of an object within `range`, which must lie inside of it; `None`: all. [`ObjectError::Missing`] if there is none.
    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<ObjectBody, ObjectError>;

    /// Its length in bytes; `None` if there is none.
    async fn size(&self, key: &str) -> Result<Option<u64>, ObjectError>;

    /// Removes it; no effect if there is none.
    async fn delete(&self, key: &str) -> Result<(), ObjectError>;
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Why an object could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// There is none of that key.
    #[error("the object {0} is not there")]
    Missing(String),
    /// More bytes than allowed.
    #[error("the object is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Whoever sends the bytes stopped before their end.
    #[error("the sender stopped: {0}")]
    Interrupted(String),
    /// The place where objects lie failed; trying again may help.
    #[error("the object store can't be used: {0}")]
    Unavailable(String),
}
