//! The inbox: what came in from outside, stored before it was answered.

use aqueduct_core::{
    id::{EventId, ProjectId},
    time::Timestamp,
};
use async_trait::async_trait;
use bytes::Bytes;

use super::StoreError;

/// What came in from outside, stored before it was answered.
///
/// Rows are handed out any number of times until they are done: handling one must be idempotent.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores a delivery unless one with the same project, source and delivery id is there, handled or not.
    /// [`StoreError::Missing`] if there is no such project.
    async fn put_delivery(&self, delivery: &NewDelivery) -> Result<Put, StoreError>;

    /// Deliveries that aren't done and whose time has come, in the order they came in.
    async fn next_deliveries(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// When the first of the deliveries that are not done has, or had, its turn.
    async fn next_delivery_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// It was handled; `outcome` is for people ("pipeline 12", "branch is filtered"). Its body is dropped, its id stays so
    /// that repeats are known. Again: no effect.
    async fn delivery_done(
        &self,
        id: EventId,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Handling failed: it is handed out again from `again` on. Without effect once it is done.
    async fn delivery_failed(
        &self,
        id: EventId,
        error: &str,
        again: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets deliveries done before `before`, at most `limit`; how many. A repeat of a forgotten one counts as new.
    async fn forget_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Something that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The project.
    pub project: ProjectId,
    /// Where from: `heads`, `gitea`, `api`, …
    pub source: String,
    /// The sender's id of it.
    pub delivery: String,
    /// What it is: `push`, `branch_deleted`, …
    pub kind: String,
    /// The content, as it came.
    pub body: Bytes,
    /// Now.
    pub received: Timestamp,
}

/// Whether a delivery was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was, and is stored under this id.
    Stored(EventId),
    /// It is known.
    Duplicate,
}

/// A stored delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, increasing.
    pub id: EventId,
    /// What came in.
    pub content: NewDelivery,
    /// How often handling failed.
    pub failures: u32,
    /// Why it failed last.
    pub error: Option<String>,
}
