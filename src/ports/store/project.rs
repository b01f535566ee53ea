//! Projects: the repositories that the coordinator watches.

use std::fmt;

use aqueduct_core::{
    id::ProjectId,
    time::{Millis, Timestamp},
};
use async_trait::async_trait;

use super::StoreError;

/// The repositories that the coordinator watches.
#[async_trait]
pub trait Projects: Send + Sync {
    /// Adds one. [`StoreError::Taken`] if another has the path.
    async fn create_project(&self, project: &NewProject) -> Result<Project, StoreError>;

    /// One by id.
    async fn project(&self, id: ProjectId) -> Result<Option<Project>, StoreError>;

    /// One by its path, compared byte by byte.
    async fn project_by_path(&self, path: &str) -> Result<Option<Project>, StoreError>;

    /// All, by path.
    async fn projects(&self) -> Result<Vec<Project>, StoreError>;

    /// Replaces everything but `id` and `created`, if the stored version is `project.version`; answers the new version.
    /// [`StoreError::Conflict`] if it isn't or the project is gone, [`StoreError::Taken`] if another has the path.
    async fn update_project(&self, project: &Project) -> Result<u64, StoreError>;

    /// Takes it off every list, forgets its heads, environments and waiting deliveries, and frees its path; whether it was there.
    /// Pipelines stay readable by their ids. [`StoreError::Conflict`] while one of them is active.
    async fn delete_project(&self, id: ProjectId, now: Timestamp) -> Result<bool, StoreError>;
}

/// A project to add. Its `Debug` leaves out what may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct NewProject {
    /// `group/name`, unique.
    pub path: String,
    /// Where its repository is fetched from; may hold a credential.
    pub git_url: String,
    /// Short name of the default branch; `None` until the repository told.
    pub default_branch: Option<String>,
    /// How often its heads are compared with the repository's.
    pub interval: Millis,
    /// JSON of the coordinator's: forge, webhook secret, allow-lists.
    pub settings: String,
    /// Now.
    pub created: Timestamp,
}

/// A project. Its `Debug` leaves out what may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Grows with every update.
    pub version: u64,
    /// `group/name`, unique.
    pub path: String,
    /// Where its repository is fetched from; may hold a credential.
    pub git_url: String,
    /// Short name of the default branch; `None` until the repository told.
    pub default_branch: Option<String>,
    /// How often its heads are compared with the repository's.
    pub interval: Millis,
    /// JSON of the coordinator's.
    pub settings: String,
    /// When it was added.
    pub created: Timestamp,
}

impl fmt::Debug for NewProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewProject")
            .field("path", &self.path)
            .field("default_branch", &self.default_branch)
            .field("interval", &self.interval)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project")
            .field("id", &self.id)
            .field("version", &self.version)
            .field("path", &self.path)
            .field("default_branch", &self.default_branch)
            .field("interval", &self.interval)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}
