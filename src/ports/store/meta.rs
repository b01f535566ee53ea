//! What the coordinator knows of itself.

use aqueduct_core::time::Timestamp;
use async_trait::async_trait;

use super::StoreError;

/// What the coordinator knows of itself.
#[async_trait]
pub trait Meta: Send + Sync {
    /// Notes that the coordinator lives, and answers when it did so before: the difference at a start is how long runners could reach
    /// nobody. Keeps the later of both times, for clocks that step back.
    async fn alive(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// A value.
    async fn meta(&self, key: &str) -> Result<Option<String>, StoreError>;

    /// Stores a value.
    async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError>;

    /// Stores a value unless the key has one; what is stored then. Two calls at once get the same answer.
    async fn meta_or(&self, key: &str, value: &str) -> Result<String, StoreError>;
}
