//! Environments: what pipelines deploy to, and how it is stopped.

use aqueduct_core::{
    id::{GlobalJobId, ProjectId},
    time::Timestamp,
};
use async_trait::async_trait;

use super::StoreError;

/// What pipelines deploy to, and how it is stopped once its branch is gone.
#[async_trait]
pub trait Environments: Send + Sync {
    /// Replaces the project's environment of that name if its stored version is `environment.version`, 0 meaning that there is
    /// none; answers the new version. [`StoreError::Conflict`] if it isn't, [`StoreError::Taken`] if another of the project has the
    /// slug, [`StoreError::Missing`] if the project isn't there.
    async fn save_environment(&self, environment: &Environment) -> Result<u64, StoreError>;

    /// One by its name.
    async fn environment(
        &self,
        project: ProjectId,
        name: &str,
    ) -> Result<Option<Environment>, StoreError>;

    /// All of a project, by name.
    async fn environments(&self, project: ProjectId) -> Result<Vec<Environment>, StoreError>;

    /// Those that can be used and whose time to stop has come, the earliest first.
    async fn environments_to_stop(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Environment>, StoreError>;

    /// Removes one if its stored version is `version`; whether it did.
    async fn delete_environment(
        &self,
        project: ProjectId,
        name: &str,
        version: u64,
    ) -> Result<bool, StoreError>;
}

/// Where an environment stands; GitLab's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvironmentState {
    /// It can be used.
    Available,
    /// Its `on_stop` job was started.
    Stopping,
    /// It was stopped.
    Stopped,
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its project.
    pub project: ProjectId,
    /// `review/feature-1`; unique in the project.
    pub name: String,
    /// Grows by one with every change.
    pub version: u64,
    /// A name for DNS and Kubernetes; unique in the project.
    pub slug: String,
    /// `production`, `staging`, …
    pub tier: String,
    /// Where it stands.
    pub state: EnvironmentState,
    /// Where it can be visited.
    pub url: Option<String>,
    /// Full name of the ref that it was deployed from last.
    pub git_ref: String,
    /// The generation of that ref: when that one is deleted, this is stopped, and not when an earlier one was.
    pub generation: Option<u64>,
    /// The job that deployed to it last.
    pub deployed_by: Option<GlobalJobId>,
    /// The job that stops it, of the same pipeline: it is played from the plan and source stored then.
    pub on_stop: Option<GlobalJobId>,
    /// When it stops by itself.
    pub stops_at: Option<Timestamp>,
    /// When it last changed.
    pub updated: Timestamp,
}
