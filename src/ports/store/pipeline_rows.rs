//! The rows of pipelines and jobs.

use aqueduct_core::{
    id::{GlobalJobId, ManagerId, PipelineId, ProjectId},
    run::Status,
    time::Timestamp,
    token::TokenHash,
};

use super::NewEffect;

/// A pipeline to make. A configuration error is a pipeline without jobs whose head is `failed` and which has `diagnostics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPipeline {
    /// The project.
    pub project: ProjectId,
    /// What it is made for, unique in the project: handling an event twice makes one pipeline.
    pub cause: String,
    /// Full name of the ref: `refs/heads/main`.
    pub git_ref: String,
    /// The commit, hexadecimal.
    pub sha: String,
    /// What the ref was at before, where that is known.
    pub before_sha: Option<String>,
    /// `CI_PIPELINE_SOURCE`.
    pub source: String,
    /// `workflow:name`, expanded.
    pub name: Option<String>,
    /// JSON of the plan; `None` if there is none.
    pub plan: Option<String>,
    /// The plan's hash.
    pub plan_hash: Option<String>,
    /// JSON of the compiler's diagnostics; `None` if there are none.
    pub diagnostics: Option<String>,
    /// Its state.
    pub head: PipelineHead,
    /// Its jobs, in the plan's order.
    pub jobs: Vec<NewJob>,
    /// What has to be done outside because of it.
    pub effects: Vec<NewEffect>,
    /// Now.
    pub created: Timestamp,
}

/// What of a pipeline changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineHead {
    /// The composite of its jobs' states.
    pub status: Status,
    /// Something will happen without a person: a restarted coordinator has to load it.
    pub active: bool,
    /// JSON of the engine's: what of the state isn't in job rows.
    pub state: String,
    /// When its first job started.
    pub started: Option<Timestamp>,
    /// When its last job ended, while it has ended.
    pub finished: Option<Timestamp>,
}

/// What of a job never changes, and what it starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Full name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Where it stands.
    pub status: Status,
    /// JSON of the engine's.
    pub state: String,
}

/// What became of a request for a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedPipeline {
    /// Its id.
    pub id: PipelineId,
    /// Its number in the project, from 1 without gaps.
    pub iid: u64,
    /// Id of its first job; the next job's is one greater.
    pub first_job: GlobalJobId,
    /// It was made by this call; `false`: it was there, of the same cause.
    pub fresh: bool,
}

/// A transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineChange {
    /// The pipeline.
    pub id: PipelineId,
    /// The version that the change was made from.
    pub expected_version: u64,
    /// Its new state.
    pub head: PipelineHead,
    /// The jobs that changed, each once.
    pub jobs: Vec<JobChange>,
    /// What has to be done outside because of it, in this order.
    pub effects: Vec<NewEffect>,
    /// Now.
    pub now: Timestamp,
}

/// What of a job changes; each field replaces the stored one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobChange {
    /// Position in the plan.
    pub position: u32,
    /// Where it stands.
    pub status: Status,
    /// Number of the current or last attempt, 0 before the first.
    pub attempt: u32,
    /// JSON of the engine's.
    pub state: String,
    /// Who has, or last had it.
    pub manager: Option<ManagerId>,
    /// Hash of the current or last attempt's report token.
    pub report_token: Option<TokenHash>,
    /// Hash of the current or last attempt's read token.
    pub read_token: Option<TokenHash>,
}

/// A pipeline without its plan and jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineRow {
    /// Its id.
    pub id: PipelineId,
    /// Its project.
    pub project: ProjectId,
    /// Its number in the project.
    pub iid: u64,
    /// Grows by one with every transition.
    pub version: u64,
    /// What it was made for.
    pub cause: String,
    /// Full name of the ref.
    pub git_ref: String,
    /// The commit.
    pub sha: String,
    /// What the ref was at before.
    pub before_sha: Option<String>,
    /// `CI_PIPELINE_SOURCE`.
    pub source: String,
    /// `workflow:name`.
    pub name: Option<String>,
    /// The plan's hash.
    pub plan_hash: Option<String>,
    /// JSON of the compiler's diagnostics.
    pub diagnostics: Option<String>,
    /// Id of its first job.
    pub first_job: GlobalJobId,
    /// How many jobs it has.
    pub jobs: u32,
    /// Its state.
    pub head: PipelineHead,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its id: that of its pipeline's first job plus `position`.
    pub id: GlobalJobId,
    /// Its pipeline.
    pub pipeline: PipelineId,
    /// Its project.
    pub project: ProjectId,
    /// Position in the plan.
    pub position: u32,
    /// Full name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Where it stands.
    pub status: Status,
    /// Number of the current or last attempt, 0 before the first.
    pub attempt: u32,
    /// JSON of the engine's.
    pub state: String,
    /// Who has, or last had it.
    pub manager: Option<ManagerId>,
    /// Hash of the current or last attempt's report token.
    pub report_token: Option<TokenHash>,
    /// Hash of the current or last attempt's read token.
    pub read_token: Option<TokenHash>,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A pipeline with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPipeline {
    /// Its row.
    pub row: PipelineRow,
    /// JSON of its plan.
    pub plan: Option<String>,
    /// Its jobs, in the plan's order.
    pub jobs: Vec<JobRow>,
}

/// Which pipelines to list. All that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// For this ref, by its full name; needs `project`.
    pub git_ref: Option<String>,
    /// In this state.
    pub status: Option<Status>,
}

/// Which jobs to list. All that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// In this state.
    pub status: Option<Status>,
}
