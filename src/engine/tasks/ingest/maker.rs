//! What ingest asks of whoever keeps pipelines.

use std::sync::Arc;

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    plan::Plan,
};
use aqueduct_ports::store::CreatedPipeline;
use async_trait::async_trait;

/// Makes pipelines, in two steps: between them the commit is kept for the pipeline, so that no runner asks for sources that may
/// be gone.
#[async_trait]
pub trait PipelineMaker: Send + Sync {
    /// Stores a pipeline without handing out its jobs. The same cause again makes nothing and answers what was made.
    async fn make(&self, order: &PipelineOrder) -> Result<CreatedPipeline, MakeError>;

    /// Hands out its jobs from now on. Idempotent.
    async fn begin(&self, pipeline: PipelineId) -> Result<(), MakeError>;
}

/// A pipeline to make.
#[derive(Clone, Debug)]
pub struct PipelineOrder {
    /// The project.
    pub project: ProjectId,
    /// What it is made for, unique in the project.
    pub cause: String,
    /// Full name of the ref.
    pub git_ref: String,
    /// The commit.
    pub sha: String,
    /// What the ref was at before.
    pub before_sha: Option<String>,
    /// `CI_PIPELINE_SOURCE`.
    pub source: String,
    /// What to run, or why it can't be: JSON of the diagnostics as `lint --json` prints them.
    pub plan: Result<Arc<Plan>, String>,
}

/// Why a pipeline could not be made; trying again may help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MakeError(pub String);
