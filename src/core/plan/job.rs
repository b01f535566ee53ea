//! One job of a plan, with every default filled in.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{IndexSpec, PlanVariable, PublishSpec};
use crate::{platform::Arch, time::Millis};

/// A job as it will run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanJob {
    /// Full name: `build: [amd64]`, `test 1/2`.
    pub name: String,
    /// The name in the file: `build`.
    pub base: String,
    /// Where the file has it: `.gitlab-ci.yml:12:1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Its stage.
    pub stage: String,
    /// Position of the stage in the whole order; jobs of one stage share it.
    pub stage_index: u32,
    /// What it does.
    pub kind: JobKind,
    /// When it starts.
    pub when: When,
    /// Whether its failure fails the pipeline.
    pub allow_failure: AllowFailure,
    /// Delay of `when: delayed`.
    pub start_in: Option<Millis>,
    /// Jobs it waits for; `None` waits for all earlier stages, an empty list for nothing.
    pub needs: Option<Vec<Need>>,
    /// Full names of the jobs whose artifacts it gets, all rules of `needs` and `dependencies` applied.
    pub artifacts_from: Arc<[String]>,
    /// Tags a runner must all have, expanded.
    pub tags: Vec<String>,
    /// The architecture it is pinned to; `None` runs anywhere.
    pub arch: Option<Arch>,
    /// The image, as written: the runner expands its variables.
    pub image: Option<Image>,
    /// Services beside the image.
    pub services: Vec<Service>,
    /// Variables known when the plan is made, above those of the [`Plan`](super::Plan): lowest precedence first, one entry
    /// a name, values as written. They are expanded together with the job's persisted variables when it is leased.
    pub variables: Vec<PlanVariable>,
    /// What it leaves behind.
    pub artifacts: Option<Artifacts>,
    /// Caches, at most four.
    pub cache: Vec<Cache>,
    /// The user's retries.
    pub retry: Retry,
    /// Deadline of the whole job.
    pub timeout: Millis,
    /// May be cancelled by a newer pipeline.
    pub interruptible: bool,
    /// Its environment, names expanded.
    pub environment: Option<Environment>,
    /// Only one job of a group runs at a time, expanded.
    pub resource_group: Option<String>,
    /// The `coverage` regular expression, without its slashes.
    pub coverage: Option<String>,
    /// Which rule brought it in, in words.
    pub reason: String,
    /// Keywords that change what executes and that this version can't execute yet, with their place
    /// (`.gitlab-ci.yml:12:3`): a plan shows them, a run refuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
}

impl PlanJob {
    /// A job of that name with GitLab's defaults for all the rest: on success of all earlier stages, one hour, no retry.
    pub fn new(name: &str, stage: &str, stage_index: u32, kind: JobKind) -> Self {
        Self {
            name: name.to_owned(),
            base: name.to_owned(),
            place: String::new(),
            stage: stage.to_owned(),
            stage_index,
            kind,
            when: When::OnSuccess,
            allow_failure: AllowFailure::No,
            start_in: None,
            needs: None,
            artifacts_from: Arc::default(),
            tags: Vec::new(),
            arch: None,
            image: None,
            services: Vec::new(),
            variables: Vec::new(),
            artifacts: None,
            cache: Vec::new(),
            retry: Retry::default(),
            timeout: Millis::from_secs(3600),
            interruptible: false,
            environment: None,
            resource_group: None,
            coverage: None,
            reason: String::new(),
            unsupported: Vec::new(),
        }
    }
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum JobKind {
    /// Runs shell scripts.
    Script(ScriptSpec),
    /// Assembles an OCI image index.
    Index(IndexSpec),
    /// Publishes Python distributions.
    Publish(PublishSpec),
    /// Starts another pipeline.
    Trigger,
}

impl JobKind {
    /// The name in `plan --json`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Script(_) => "script",
            Self::Index(_) => "index",
            Self::Publish(_) => "publish",
            Self::Trigger => "trigger",
        }
    }
}

/// The scripts of a job; `before_script` and `script` run in one shell, `after_script` in its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptSpec {
    /// Commands before the script.
    pub before_script: Vec<String>,
    /// The commands.
    pub script: Vec<String>,
    /// Commands after it, whatever its end.
    pub after_script: Vec<String>,
}

/// `when` of a job or of the rule that chose it; `never` leaves the job out of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All it waits for went well.
    #[default]
    OnSuccess,
    /// Something it waits for failed.
    OnFailure,
    /// In either case.
    Always,
    /// Somebody says so.
    Manual,
    /// After `start_in`.
    Delayed,
}

/// Whether a failure counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowFailure {
    /// It does.
    #[default]
    No,
    /// It doesn't.
    Yes,
    /// Only these exit codes don't.
    ExitCodes(Vec<i32>),
}

impl AllowFailure {
    /// Whether a failure with `exit_code` is tolerated.
    pub fn allows(&self, exit_code: Option<i32>) -> bool {
        match self {
            Self::No => false,
            Self::Yes => true,
            Self::ExitCodes(codes) => exit_code.is_some_and(|code| codes.contains(&code)),
        }
    }
}

/// A job to wait for, by full name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Full name of the needed job in this plan.
    pub job: String,
    /// Whether its artifacts are fetched.
    pub artifacts: bool,
    /// Whether it was allowed to be missing (it is present, or it would not be listed).
    pub optional: bool,
}

/// An image and how to start it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Reference, `oci:PATH:TAG`, with variables unexpanded.
    pub name: String,
    /// Replaces the image's entrypoint; `[""]` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// When to ask the registry; empty leaves it to the runner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pull_policy: Vec<PullPolicy>,
    /// `image:docker:platform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// `image:docker:user` or `image:kubernetes:user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// When a registry is asked for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullPolicy {
    /// Every time.
    Always,
    /// Only when it isn't here.
    IfNotPresent,
    /// Never.
    Never,
}

/// A service beside the job's image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its image.
    pub image: Image,
    /// Host names, from `alias` and the image's name.
    pub aliases: Vec<String>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Variables of the service alone.
    pub variables: Vec<PlanVariable>,
}

/// For which ends of a job something is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreWhen {
    /// Success.
    #[default]
    OnSuccess,
    /// Failure.
    OnFailure,
    /// Both.
    Always,
}

impl StoreWhen {
    /// Whether to keep it for a job that ended so.
    pub const fn applies(self, success: bool) -> bool {
        match self {
            Self::OnSuccess => success,
            Self::OnFailure => !success,
            Self::Always => true,
        }
    }
}

/// `artifacts`, as written: the runner expands names and paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifacts {
    /// Name of the archive.
    pub name: Option<String>,
    /// Doublestar globs relative to the project's directory.
    pub paths: Vec<String>,
    /// Globs taken out again.
    pub exclude: Vec<String>,
    /// Adds files that git doesn't track.
    pub untracked: bool,
    /// For which ends.
    pub when: StoreWhen,
    /// How long to keep it; `None` is the instance's setting.
    pub expire_in: Option<Expiry>,
    /// Report files.
    pub reports: Reports,
}

/// `artifacts:expire_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Kept until somebody deletes it.
    Never,
    /// Kept this long.
    After(Millis),
}

/// `artifacts:reports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// Files of `KEY=value` lines that become variables of later jobs.
    pub dotenv: Vec<String>,
    /// The other kinds (`junit`, `cobertura`, …), stored but not read.
    pub files: BTreeMap<String, Vec<String>>,
}

/// One cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// How it is found again.
    pub key: CacheKey,
    /// Globs relative to the project's directory.
    pub paths: Vec<String>,
    /// Adds files that git doesn't track.
    pub untracked: bool,
    /// Whether it is fetched, stored or both.
    pub policy: CachePolicy,
    /// For which ends it is stored.
    pub when: StoreWhen,
    /// Keys tried in order when the first has nothing.
    pub fallback_keys: Vec<String>,
}

/// A cache's key, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheKey {
    /// Text with variables.
    Text(String),
    /// Hash of these files' contents, behind a prefix.
    Files {
        /// At most ten paths; two of them by commits.
        files: Vec<String>,
        /// Text with variables.
        prefix: Option<String>,
        /// Hash the last commits that touched the files instead of their contents.
        commits: bool,
    },
}

/// `cache:policy`; `Variable` holds the text to expand on the runner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CachePolicy {
    /// Fetch and store.
    #[default]
    PullPush,
    /// Fetch only.
    Pull,
    /// Store only.
    Push,
    /// A variable that names one of the others.
    Variable(String),
}

/// The user's retries; those for infrastructure failures have a budget of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// 0 to 2.
    pub max: u32,
    /// Failure reasons (GitLab's names) that are retried; empty means `always`.
    pub when: Vec<String>,
    /// Exit codes that are retried.
    pub exit_codes: Vec<i32>,
}

/// `environment`, variables expanded as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Lower case, at most 24 characters.
    pub slug: String,
    /// Where it can be visited.
    pub url: Option<String>,
    /// What the job does to it.
    pub action: EnvironmentAction,
    /// The job that stops it.
    pub on_stop: Option<String>,
    /// When it stops by itself.
    pub auto_stop_in: Option<Millis>,
    /// production, staging, testing, development, other.
    pub tier: String,
}

/// What a job does to its environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentAction {
    /// Deploys to it.
    #[default]
    Start,
    /// Prepares it, no deployment.
    Prepare,
    /// Stops it.
    Stop,
    /// Verifies it, no deployment.
    Verify,
    /// Reads its settings, no deployment.
    Access,
}
