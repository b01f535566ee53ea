//! The outbox: what has to be done outside, stored with the change that asks for it.

use aqueduct_core::{
    id::{EffectId, PipelineId, ProjectId},
    time::Timestamp,
};
use async_trait::async_trait;

use super::StoreError;

/// What has to be done outside. Rows are handed out any number of times until they are done: at least once.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Effects whose time has come, in the order they were stored.
    async fn due_effects(&self, now: Timestamp, limit: u32) -> Result<Vec<DueEffect>, StoreError>;

    /// When the first of the stored effects has, or had, its turn.
    async fn next_effect_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// It was done; the row is gone. Again, or after another took its place: no effect.
    async fn effect_done(&self, id: EffectId) -> Result<(), StoreError>;

    /// It failed: it is handed out again from `again` on. No effect on one that is done or replaced.
    async fn effect_failed(
        &self,
        id: EffectId,
        error: &str,
        again: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEffect {
    /// What: `commit_status`, `stop_environment`, …
    pub kind: String,
    /// What it is about (`commit_status/7/build`): a newer effect on the same subject, within the project, takes the place of
    /// one that is not done, since only the last state counts. `None` replaces nothing.
    pub subject: Option<String>,
    /// JSON.
    pub body: String,
    /// When to do it.
    pub due: Timestamp,
}

/// A stored effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEffect {
    /// Its id, increasing.
    pub id: EffectId,
    /// The project.
    pub project: ProjectId,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// What to do.
    pub effect: NewEffect,
    /// How often it failed.
    pub failures: u32,
    /// Why it failed last.
    pub error: Option<String>,
}
