//! Pipelines and their jobs.

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, PipelineId, ProjectId},
    token::TokenHash,
};
use async_trait::async_trait;

use super::{
    CreatedPipeline, JobFilter, JobRow, NewPipeline, Page, PipelineChange, PipelineFilter,
    PipelineRow, StoreError, StoredPipeline,
};

/// Pipelines and their jobs.
///
/// A pipeline is a row with a version, and a row a job. Whoever changes any of them names the version the change was made from, so
/// that of two jobs that end together each sees the other's end.
#[async_trait]
pub trait Pipelines: Send + Sync {
    /// Makes a pipeline with its jobs and effects, and gives it its number in the project and its block of job ids. If the
    /// project has one of the same `cause`, nothing is written and that one is answered, with `fresh` false: two calls at once
    /// make one pipeline. [`StoreError::Missing`] if there is no such project.
    async fn create_pipeline(&self, pipeline: &NewPipeline) -> Result<CreatedPipeline, StoreError>;

    /// Everything of a pipeline, as of one moment.
    async fn load_pipeline(&self, id: PipelineId) -> Result<Option<StoredPipeline>, StoreError>;

    /// A pipeline's row alone.
    async fn pipeline(&self, id: PipelineId) -> Result<Option<PipelineRow>, StoreError>;

    /// Carries a transition out: compares the version first, then replaces the head and the named job rows and adds the
    /// effects. Answers the new version (the expected one plus one). [`StoreError::Conflict`] if the version is another one or the
    /// pipeline is gone, and then nothing is written.
    async fn commit_pipeline(&self, change: &PipelineChange) -> Result<u64, StoreError>;

    /// The pipelines whose head says `active`, oldest first: what a restarted coordinator loads.
    async fn active_pipelines(&self) -> Result<Vec<PipelineId>, StoreError>;

    /// Those of one ref, given by its full name, oldest first. Its cost depends on how many are active, not on the history.
    async fn active_pipelines_of(
        &self,
        project: ProjectId,
        git_ref: &str,
    ) -> Result<Vec<PipelineId>, StoreError>;

    /// A page of pipelines. Its cost depends on the page, not on the history.
    async fn pipelines(
        &self,
        filter: &PipelineFilter,
        page: Page,
    ) -> Result<Vec<PipelineRow>, StoreError>;

    /// The jobs of a pipeline, in the plan's order; empty if there is no such pipeline.
    async fn jobs_of(&self, pipeline: PipelineId) -> Result<Vec<JobRow>, StoreError>;

    /// A job by its id.
    async fn job(&self, id: GlobalJobId) -> Result<Option<JobRow>, StoreError>;

    /// A page of jobs. Its cost depends on the page, not on the history.
    async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Vec<JobRow>, StoreError>;

    /// The attempt that a token belongs to, while a runner has that attempt (`preparing`, `running`); afterwards `None`.
    async fn job_by_token(&self, token: &TokenHash) -> Result<Option<TokenOwner>, StoreError>;
}

/// What a job's token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    /// The attempt.
    pub attempt: GlobalAttempt,
    /// Its pipeline.
    pub pipeline: PipelineId,
    /// Its project.
    pub project: ProjectId,
    /// Which of its two tokens it is.
    pub purpose: TokenUse,
}

/// Which of an attempt's two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// Reports state, trace and artifacts; never seen by scripts.
    Report,
    /// `CI_JOB_TOKEN`: reads and changes nothing.
    Read,
}
