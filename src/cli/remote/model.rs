//! What the API answers, as far as it is shown in columns. What a newer coordinator says more is let be.

use aqueduct_core::{diag::LintReport, run::Status, time::Millis, verdict::Verdict};
use serde::Deserialize;

/// A project.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) git_url: String,
    pub(crate) default_branch: Option<String>,
    pub(crate) interval_ms: Millis,
    pub(crate) created_at: String,
    pub(crate) watch: Watch,
    /// Why the last state of a pipeline could not be told to the forge.
    #[serde(default)]
    pub(crate) commit_status_error: Option<String>,
    /// Told only when it is made.
    #[serde(default)]
    pub(crate) webhook_secret: Option<String>,
}

/// How the watch of a repository goes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Watch {
    pub(crate) answered_at: Option<String>,
    pub(crate) refs: usize,
    pub(crate) failures: u32,
    pub(crate) error: Option<String>,
}

/// A branch or tag.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Branch {
    pub(crate) name: String,
    pub(crate) sha: String,
    pub(crate) missing_since: Option<String>,
    pub(crate) updated_at: String,
}

/// An environment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(crate) tier: String,
    pub(crate) state: String,
    pub(crate) url: Option<String>,
    #[serde(rename = "ref")]
    pub(crate) git_ref: String,
    pub(crate) deployed_by: Option<u64>,
    pub(crate) stops_at: Option<String>,
}

/// A pipeline.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) id: u64,
    pub(crate) project: u64,
    #[serde(rename = "ref")]
    pub(crate) git_ref: String,
    pub(crate) sha: String,
    pub(crate) source: String,
    pub(crate) name: Option<String>,
    pub(crate) status: Status,
    /// Why it could not be compiled.
    pub(crate) diagnostics: Option<LintReport>,
    pub(crate) jobs: u32,
    pub(crate) created_at: String,
    pub(crate) finished_at: Option<String>,
}

/// A job.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: u64,
    /// Said of a job alone, not of those of a pipeline.
    pub(crate) pipeline: Option<u64>,
    pub(crate) name: String,
    pub(crate) stage: String,
    pub(crate) status: Status,
    pub(crate) attempt: u32,
    /// What it waits for, in words.
    pub(crate) waiting: Option<String>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) allow_failure: bool,
    pub(crate) duration_ms: Millis,
}

/// A runner.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Runner {
    pub(crate) id: u64,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) run_untagged: bool,
    pub(crate) paused: bool,
    pub(crate) project: Option<u64>,
    pub(crate) managers: Vec<Manager>,
}

/// A process of a runner.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Manager {
    pub(crate) contacted_at: String,
}

/// A runner that was made.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeRunner {
    pub(crate) id: u64,
    pub(crate) token: String,
}

/// A registration token that was made.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeToken {
    pub(crate) token: String,
}

impl Job {
    /// Why it stands where it stands, in words; empty if there is nothing to say.
    pub(crate) fn why(&self) -> String {
        let said = match (&self.verdict, &self.waiting) {
            (Some(verdict), _) => verdict.to_string(),
            (None, Some(waiting)) => waiting.clone(),
            (None, None) => String::new(),
        };
        if self.status == Status::Failed && self.allow_failure {
            format!("{said} (allowed to fail)")
        } else {
            said
        }
    }
}
