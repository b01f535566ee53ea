//! The plan: what a pipeline will do, as a serialisable value made before anything runs.
//!
//! It is stored, shown, hashed and executed as it is. Nothing in it depends on who runs it or when:
//! ids, URLs and times are added to a job when it is leased. Secrets stand in it by name only.

mod hash;
mod job;
mod release;
mod variable;
mod view;

pub use hash::{hash_of, hash_of_bytes};
pub use job::{
    AllowFailure, Artifacts, Cache, CacheKey, CachePolicy, Environment, EnvironmentAction, Expiry,
    Image, JobKind, Need, PlanJob, PullPolicy, Reports, Retry, ScriptSpec, Service, StoreWhen,
    When,
};
pub use release::{ConflictPolicy, IndexSource, IndexSpec, PublishSpec, Require};
pub use variable::{PlanVariable, VariableOrigin};
pub use view::PlanView;

use serde::{Deserialize, Serialize};

/// A compiled pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the pipeline was made for.
    pub pipeline: PipelineHead,
    /// Variables that every job has below those of its own: what is predefined for the whole pipeline.
    #[serde(default)]
    pub variables: Vec<PlanVariable>,
    /// Every stage that has a job, in order, `.pre` first and `.post` last.
    pub stages: Vec<String>,
    /// The jobs, by stage, then in file order, instances in order of their axes.
    pub jobs: Vec<PlanJob>,
    /// Jobs that the file defines but this pipeline leaves out.
    pub skipped: Vec<SkippedJob>,
    /// `sha256:…` over the canonical form (RFC 8785) of what decides the outcome: every source read,
    /// the inputs, the context's variables (secrets by name), and the ref.
    pub hash: String,
}

impl Plan {
    /// All variables of a job that are known when the plan is made. Of one name the highest origin counts, and the last
    /// of one origin.
    pub fn variables_of<'p>(&'p self, job: &'p PlanJob) -> impl Iterator<Item = &'p PlanVariable> {
        self.variables.iter().chain(&job.variables)
    }

    /// The job of that full name (`build: [amd64]`).
    pub fn job(&self, name: &str) -> Option<&PlanJob> {
        self.jobs.iter().find(|job| job.name == name)
    }
}

/// What a pipeline was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineHead {
    /// `CI_PIPELINE_SOURCE`.
    pub source: String,
    /// Branch or tag name, `CI_COMMIT_REF_NAME`.
    #[serde(rename = "ref")]
    pub ref_name: String,
    /// The commit; forty zeros for a working tree without one.
    pub sha: String,
    /// Whether the pipeline exists at all: `workflow:rules` may say no.
    pub run: bool,
    /// `workflow:name`, expanded.
    pub name: Option<String>,
    /// `workflow:auto_cancel:on_job_failure: all`.
    #[serde(default)]
    pub cancel_on_job_failure: bool,
    /// `workflow:auto_cancel:on_new_commit`.
    #[serde(default)]
    pub on_new_commit: OnNewCommit,
}

/// What a newer commit of the same ref does to a pipeline. A local run has none; it is for whoever queues pipelines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnNewCommit {
    /// Cancels it unless a job that isn't interruptible has started.
    #[default]
    Conservative,
    /// Cancels its interruptible jobs.
    Interruptible,
    /// Nothing.
    None,
}

/// A job that the file defines but the pipeline leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedJob {
    /// Its name.
    pub name: String,
    /// Which rule left it out, in words.
    pub reason: String,
}
