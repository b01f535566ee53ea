//! Heads: where the refs of a project's repository were last seen.

use aqueduct_core::{id::ProjectId, time::Timestamp};
use async_trait::async_trait;

use super::{NewDelivery, StoreError};

/// Where the refs of a project's repository were last seen.
#[async_trait]
pub trait Heads: Send + Sync {
    /// All heads of a project, by name.
    async fn heads(&self, project: ProjectId) -> Result<Vec<Head>, StoreError>;

    /// One head by its full name.
    async fn head(&self, project: ProjectId, name: &str) -> Result<Option<Head>, StoreError>;

    /// Writes what an observation found: all changes of heads and all deliveries, or nothing. Deliveries that are known are
    /// passed over; answers how many were new. [`StoreError::Conflict`] if a head isn't at what its change was made from (somebody
    /// else observed meanwhile), [`StoreError::Missing`] if the project isn't there.
    async fn observe_heads(
        &self,
        project: ProjectId,
        observation: &Observation,
    ) -> Result<u64, StoreError>;
}

/// Where a ref was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Full name: `refs/heads/main`, `refs/tags/v1`.
    pub name: String,
    /// The commit (of an annotated tag: the tag object's commit), hexadecimal.
    pub sha: String,
    /// Greater than that of every earlier ref: a ref that was deleted and made again has another generation.
    pub generation: u64,
    /// Since when it is missing from the repository's answers, before it counts as deleted.
    pub missing_since: Option<Timestamp>,
    /// When it last changed.
    pub updated: Timestamp,
}

/// What a look at the repository changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The changes, each ref once.
    pub changes: Vec<HeadChange>,
    /// The events they mean.
    pub deliveries: Vec<NewDelivery>,
    /// Now.
    pub now: Timestamp,
}

/// A change of one head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadChange {
    /// Full name of the ref.
    pub name: String,
    /// The stored commit that the change was made from; `None`: no head was stored.
    pub from: Option<String>,
    /// What happens.
    pub to: HeadMove,
}

/// What happens to a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadMove {
    /// It is at this commit (and not missing). Without a stored head a new generation begins.
    At(String),
    /// It is missing; `missing_since` becomes now unless it is set.
    Missing,
    /// It is there again at the stored commit.
    Back,
    /// It is deleted; the row goes.
    Deleted,
}
