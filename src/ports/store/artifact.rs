//! Artifacts: which objects attempts left, and which objects nobody needs.

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId},
    time::Timestamp,
};
use async_trait::async_trait;

use super::StoreError;

/// Which objects attempts left.
///
/// Rows and objects can't change in one transaction. So an object's key is *reserved* before it is written and in use once a row names
/// it; a reservation that ran out, and an object whose row was replaced or removed, is *garbage* until it was removed. A kill at any
/// moment leaves garbage at worst, never a row without its object.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// Reserves a key that is about to be written; until `until` it isn't garbage. Again: the time is replaced. No effect on a key in
    /// use.
    async fn reserve_object(&self, key: &str, until: Timestamp) -> Result<(), StoreError>;

    /// Names an object as the attempt's artifact of that kind, in place of an earlier one, whose object becomes garbage at once.
    /// Ends the key's reservation. The same row again: no effect. [`StoreError::Conflict`] if the key is neither reserved nor in use for
    /// this same artifact: its object may be gone.
    async fn put_artifact(&self, artifact: &Artifact) -> Result<(), StoreError>;

    /// What an attempt left, by kind.
    async fn artifacts_of(&self, attempt: GlobalAttempt) -> Result<Vec<Artifact>, StoreError>;

    /// What all attempts of a job left, by attempt and kind.
    async fn artifacts_of_job(&self, job: GlobalJobId) -> Result<Vec<Artifact>, StoreError>;

    /// Removes the rows of artifacts that expired, at most `limit`; how many. Their objects become garbage.
    async fn expire_artifacts(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Keys of objects that nobody needs.
    async fn garbage(&self, now: Timestamp, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Claims a garbage key for removal: whether it still is garbage. A claimed key can't be reserved ([`StoreError::Conflict`]) until it
    /// was removed.
    async fn claim_garbage(&self, key: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// The object of a claimed key was removed.
    async fn garbage_removed(&self, key: &str) -> Result<(), StoreError>;
}

/// An artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Whose.
    pub attempt: GlobalAttempt,
    /// `archive`, `metadata`, or a report's type: unique with the attempt.
    pub kind: String,
    /// `zip`, `gzip`, `raw`.
    pub format: String,
    /// Its file name.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the object, hexadecimal.
    pub sha256: String,
    /// The object.
    pub object: String,
    /// When it may go; `None`: never.
    pub expires: Option<Timestamp>,
    /// When it was stored.
    pub created: Timestamp,
}
