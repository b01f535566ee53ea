//! Runners, their managers, and what registers them.

use aqueduct_core::{
    id::{ManagerId, ProjectId, RunnerId},
    time::{Millis, Timestamp},
    token::TokenHash,
};
use async_trait::async_trait;

use super::StoreError;

/// Runners, their managers, and what registers them.
#[async_trait]
pub trait Runners: Send + Sync {
    /// Adds a runner. [`StoreError::Taken`] if another has the token, [`StoreError::Missing`] if its project isn't there.
    async fn create_runner(&self, runner: &NewRunner) -> Result<RunnerRow, StoreError>;

    /// One by id.
    async fn runner(&self, id: RunnerId) -> Result<Option<RunnerRow>, StoreError>;

    /// One by its token.
    async fn runner_by_token(&self, token: &TokenHash) -> Result<Option<RunnerRow>, StoreError>;

    /// All, by id.
    async fn runners(&self) -> Result<Vec<RunnerRow>, StoreError>;

    /// Replaces its settings; whether it was there.
    async fn update_runner(
        &self,
        id: RunnerId,
        settings: &RunnerSettings,
    ) -> Result<bool, StoreError>;

    /// Replaces its token: the old one opens nothing from now on. Whether it was there; [`StoreError::Taken`] if another has it.
    async fn reset_runner_token(&self, id: RunnerId, token: &TokenHash)
    -> Result<bool, StoreError>;

    /// Removes it with its managers; whether it was there.
    async fn delete_runner(&self, id: RunnerId) -> Result<bool, StoreError>;

    /// A manager was heard of: makes or updates its row. A changed instance or info is on disk when this returns; of mere repeats
    /// the time of contact is written once in [`Manager::CONTACT_GRAIN`], so that polling costs no writes.
    /// [`StoreError::Missing`] if the runner isn't there.
    async fn seen_manager(&self, sighting: &Sighting) -> Result<Seen, StoreError>;

    /// One by id.
    async fn manager(&self, id: ManagerId) -> Result<Option<Manager>, StoreError>;

    /// The managers of a runner, by id.
    async fn managers(&self, runner: RunnerId) -> Result<Vec<Manager>, StoreError>;

    /// Removes one; whether it was there.
    async fn delete_manager(&self, runner: RunnerId, system_id: &str) -> Result<bool, StoreError>;

    /// Adds a token that registers runners. [`StoreError::Taken`] if it is known.
    async fn create_registration_token(&self, token: &RegistrationToken) -> Result<(), StoreError>;

    /// A registration token by its hash.
    async fn registration_token(
        &self,
        token: &TokenHash,
    ) -> Result<Option<RegistrationToken>, StoreError>;

    /// All registration tokens, oldest first.
    async fn registration_tokens(&self) -> Result<Vec<RegistrationToken>, StoreError>;

    /// Removes one; whether it was there.
    async fn delete_registration_token(&self, token: &TokenHash) -> Result<bool, StoreError>;
}

/// Whose jobs a runner takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerKind {
    /// Those of all projects.
    Instance,
    /// Those of one project.
    Project(ProjectId),
}

/// Whether a runner takes jobs of any ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLevel {
    /// Of any ref.
    NotProtected,
    /// Of protected refs only.
    RefProtected,
}

/// What can be changed of a runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerSettings {
    /// For people.
    pub description: String,
    /// Its tags, in the order they were given.
    pub tags: Vec<String>,
    /// Takes jobs without tags.
    pub run_untagged: bool,
    /// GitLab's `locked`; kept and shown.
    pub locked: bool,
    /// Which refs.
    pub access_level: AccessLevel,
    /// Longest job that it takes on.
    pub maximum_timeout: Option<Millis>,
    /// Gets no jobs.
    pub paused: bool,
}

/// A runner to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRunner {
    /// Its token's hash.
    pub token: TokenHash,
    /// Whose jobs it takes.
    pub kind: RunnerKind,
    /// The rest.
    pub settings: RunnerSettings,
    /// Now.
    pub created: Timestamp,
}

/// A runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerRow {
    /// Its id.
    pub id: RunnerId,
    /// Whose jobs it takes.
    pub kind: RunnerKind,
    /// The rest.
    pub settings: RunnerSettings,
    /// When it was added.
    pub created: Timestamp,
}

/// A sign of life of a manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its runner.
    pub runner: RunnerId,
    /// Its `system_id`; empty for runners too old to send one.
    pub system_id: String,
    /// Random and new with each process of our own runner; `None` from others, and where a call doesn't say (a job's
    /// update): then the stored one stays.
    pub instance: Option<String>,
    /// JSON of `info`; `None` where a call doesn't say: then the stored one stays.
    pub info: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// What a sign of life told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The manager.
    pub manager: ManagerId,
    /// Its instance before, if it is another one now: that process is dead, its leases are void. Told once.
    pub replaced: Option<String>,
}

/// A machine or process of a runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// Its id.
    pub id: ManagerId,
    /// Its runner.
    pub runner: RunnerId,
    /// Its `system_id`.
    pub system_id: String,
    /// Its process.
    pub instance: Option<String>,
    /// JSON of the last `info`.
    pub info: Option<String>,
    /// When it was first heard of.
    pub created: Timestamp,
    /// When it was last heard of, to [`Self::CONTACT_GRAIN`].
    pub contacted: Timestamp,
}

impl Manager {
    /// How exact `contacted` is.
    pub const CONTACT_GRAIN: Millis = Millis::from_secs(30);
}

/// A token that registers runners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationToken {
    /// Its hash.
    pub token: TokenHash,
    /// Whose jobs the registered runners take.
    pub kind: RunnerKind,
    /// For people.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
}
