//! The job that a server hands out (runner-protocol 3.5).

mod about;
mod extension;
mod image;
mod keep;
mod variable;

use std::collections::BTreeMap;

use serde_json::Value;

pub use about::{GitInfo, JobInfo, RunnerInfo};
pub use extension::{DependencyExtension, PayloadExtension, Release};
pub use image::{DockerOptions, ExecutorOptions, Image, KubernetesOptions, Port, UserId};
pub use keep::{Artifact, ArtifactsFile, Cache, Credential, Dependency};
pub use variable::Variable;

use super::{
    Secret,
    wire::{is_default, wire},
};

wire! {
    /// A job.
    pub struct Payload {
        /// Its number, in all later paths.
        pub id: u64,
        /// Its token.
        pub token: Secret,
        /// `GIT_STRATEGY` is `fetch` if nothing else is said, else `clone`.
        pub allow_git_fetch: bool,
        /// What it is.
        pub job_info: JobInfo,
        /// Its sources.
        pub git_info: GitInfo,
        /// What the server knows of the runner.
        pub runner_info: RunnerInfo,
        /// Inputs of the job; ours has none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub inputs: Vec<Value>,
        /// Its variables; of one name the last counts.
        pub variables: Vec<Variable>,
        /// What it does.
        pub steps: Vec<Step>,
        /// Scripts around the fetching of the sources.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub hooks: Vec<Hook>,
        /// The image that it runs in.
        pub image: Option<Image>,
        /// Images that run beside it.
        pub services: Vec<Image>,
        /// What it leaves: one entry for the archive, and one for each report.
        pub artifacts: Vec<Artifact>,
        /// Its caches.
        pub cache: Vec<Cache>,
        /// Logins of registries.
        pub credentials: Vec<Credential>,
        /// Jobs whose archives it gets.
        pub dependencies: Vec<Dependency>,
        /// What the server can do.
        pub features: ServerFeatures,
        /// Secrets to resolve, by name; ours has none.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub secrets: BTreeMap<String, Value>,
        /// Steps as JSON text. `null` and an empty text make a payload unreadable for a stock runner.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub run: String,
        /// What our coordinator adds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub aqueduct: Option<PayloadExtension>,
    }

    /// One step of a job.
    pub struct Step {
        /// [`SCRIPT`], [`AFTER_SCRIPT`], or another.
        pub name: String,
        /// Its commands; of [`SCRIPT`], those of `before_script` first.
        pub script: Vec<String>,
        /// In seconds.
        pub timeout: u64,
        /// `on_success`, `on_failure` or `always`.
        pub when: String,
        /// Whether its failure fails the job.
        pub allow_failure: bool,
    }

    /// A script at a point of the job.
    pub struct Hook {
        /// `pre_get_sources_script` or `post_get_sources_script`.
        pub name: String,
        /// Its commands.
        pub script: Vec<String>,
    }

    /// `features`.
    pub struct ServerFeatures {
        /// The trace has section markers.
        pub trace_sections: bool,
        /// Prefixes of tokens to mask in the trace.
        pub token_mask_prefixes: Vec<String>,
        /// Reasons that a runner may give beyond the three that always stand.
        pub failure_reasons: Vec<String>,
        /// Where to send spans; ours has none.
        #[serde(skip_serializing_if = "is_default")]
        pub tracing: Option<Value>,
    }
}

/// Name of the step of `before_script` and `script`.
pub const SCRIPT: &str = "script";
/// Name of the step of `after_script`.
pub const AFTER_SCRIPT: &str = "after_script";
/// [`Step::when`] of [`SCRIPT`].
pub const ON_SUCCESS: &str = "on_success";
/// [`Step::when`] of [`AFTER_SCRIPT`].
pub const ALWAYS: &str = "always";
