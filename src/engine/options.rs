//! What a run is asked to do, and why it may refuse.

use std::{collections::BTreeMap, fmt};

use aqueduct_core::{id::PipelineId, run::Limits, time::Millis};

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The pipeline's id; jobs are numbered from 1 within it.
    pub pipeline: PipelineId,
    /// Jobs to run with all that they wait for, by full name or by the name in the file; empty runs all. A manual or
    /// delayed job that is named here is played.
    pub jobs: Vec<String>,
    /// Manual jobs to play, by full name or by the name in the file.
    pub play: Vec<String>,
    /// Variables that exist only once a job is leased, beyond those that the engine makes (`CI_JOB_ID`, `CI_PIPELINE_ID` and
    /// their like); as low in precedence as the predefined ones.
    pub persisted: Vec<(String, String)>,
    /// Values of the plan's secrets.
    pub secrets: Secrets,
    /// Deadlines and budgets.
    pub limits: Limits,
    /// A lease ends after this long without a renewal.
    pub lease_time: Millis,
    /// A job that no known runner takes fails after waiting this long for another one to come.
    pub patience: Millis,
    /// Longest trace that is kept of an attempt, in bytes. What comes after it is dropped, with a notice.
    pub trace_limit: u64,
}

impl Default for RunOptions {
    /// For a run on one machine: nobody else will come to take a job.
    fn default() -> Self {
        Self {
            pipeline: PipelineId(1),
            jobs: Vec::new(),
            play: Vec::new(),
            persisted: Vec::new(),
            secrets: Secrets::default(),
            limits: Limits::default(),
            lease_time: Millis::from_secs(60),
            patience: Millis(500),
            trace_limit: 1 << 30,
        }
    }
}

/// Values of secrets by name. Never prints them.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// The values by name.
    pub(crate) const fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a run, or something asked of it, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A name that no job of the plan has.
    #[error("the pipeline has no job named `{0}`")]
    UnknownJob(String),
    /// Keywords that change what executes and that this version can't execute: all jobs that use some.
    #[error("{}", unsupported(.0))]
    Unsupported(Vec<UnsupportedJob>),
    /// The plan has no jobs.
    #[error("the pipeline has no jobs")]
    NoJobs,
    /// The job can't be played.
    #[error("job `{job}` can't be played: it is {status}")]
    NotPlayable {
        /// The job.
        job: String,
        /// Its state.
        status: aqueduct_core::run::Status,
    },
}

/// A job that this version can't run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedJob {
    /// Its name in the file, which stands for all its instances.
    pub job: String,
    /// The keywords with their places.
    pub keywords: Vec<String>,
}

fn unsupported(jobs: &[UnsupportedJob]) -> String {
    if let [one] = jobs {
        return format!(
            "job `{}` uses what this version can't run yet: {}",
            one.job,
            one.keywords.join(", ")
        );
    }
    let lines = jobs
        .iter()
        .map(|UnsupportedJob { job, keywords }| format!("\n  {job}: {}", keywords.join(", ")));
    format!(
        "{} jobs use what this version can't run yet:{}",
        jobs.len(),
        lines.collect::<String>()
    )
}
