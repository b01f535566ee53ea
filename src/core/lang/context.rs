//! What a pipeline is made for: everything from outside that decides which jobs it has.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::plan::VariableOrigin;

/// `CI_COMMIT_BEFORE_SHA` where there is no earlier commit to compare with, and the sha of a tree without a commit.
pub const ZERO_SHA: &str = "0000000000000000000000000000000000000000";

/// The context of a compilation. It is a value: whoever fills it has asked Git and the user already.
#[derive(Clone, Debug)]
pub struct Context {
    /// Branch or tag.
    pub ref_kind: RefKind,
    /// Its name: `CI_COMMIT_REF_NAME`; for a merge request its source branch.
    pub ref_name: String,
    /// Whether the ref is protected.
    pub ref_protected: bool,
    /// `CI_DEFAULT_BRANCH`.
    pub default_branch: String,
    /// The commit; [`ZERO_SHA`] without one.
    pub sha: String,
    /// The commit that the branch had before this push; [`ZERO_SHA`] for a new branch, tags, schedules and manual runs.
    pub before_sha: String,
    /// What started it.
    pub source: PipelineSource,
    /// The commit as people see it.
    pub commit: Commit,
    /// The project it belongs to.
    pub project: Project,
    /// Path of the entry file: `CI_CONFIG_PATH`.
    pub config_path: String,
    /// Variables from outside the file; a later entry wins over an earlier one of the same origin.
    pub variables: Vec<ContextVariable>,
    /// Paths that the push or the merge request changed; `None` where no diff is to be had, which makes `changes` true.
    pub changes: Option<Arc<[String]>>,
    /// For `changes:compare_to`: paths changed since the merge base with each ref that could be resolved.
    pub compare_to: BTreeMap<String, Arc<[String]>>,
    /// All files of the tree, sorted by bytes, for `exists` and for wildcards in `include:local`; `None` until they are asked
    /// for.
    pub files: Option<Arc<[String]>>,
    /// The merge request of a merge-request pipeline.
    pub merge_request: Option<MergeRequest>,
    /// The title of the schedule that started it.
    pub schedule_description: Option<String>,
    /// Whether `[skip ci]` in the commit's message counts; not for who asks for a pipeline by hand.
    pub skip_markers: bool,
}

/// Branch or tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefKind {
    /// A branch, or the source branch of a merge request.
    #[default]
    Branch,
    /// A tag.
    Tag,
}

/// A commit as people see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The whole message.
    pub message: String,
    /// `Name <mail>`.
    pub author: String,
    /// ISO 8601, as given.
    pub timestamp: String,
    /// Message of an annotated tag.
    pub tag_message: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// `group/sub/name`.
    pub path: String,
    /// As people write it; empty takes the last part of the path.
    pub title: String,
    /// Where it can be visited; empty without a forge.
    pub url: String,
    /// `CI_REGISTRY_IMAGE`, host included; empty without a registry.
    pub registry_image: String,
}

/// What a merge-request pipeline knows of its merge request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeRequest {
    /// Number within the project.
    pub iid: u64,
    /// Its title.
    pub title: String,
    /// Branch to merge.
    pub source_branch: String,
    /// Branch to merge into.
    pub target_branch: String,
    /// Merge base of the two.
    pub diff_base_sha: String,
    /// Project of the source branch; another one for a fork.
    pub source_project_path: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether it is a draft.
    pub draft: bool,
}

/// A variable that comes from outside the file.
#[derive(Clone, PartialEq, Eq)]
pub struct ContextVariable {
    /// Name.
    pub key: String,
    /// Value; known while compiling also where it is secret, and then left out of the plan.
    pub value: String,
    /// Where it comes from: [`VariableOrigin::Project`] or [`VariableOrigin::Pipeline`].
    pub origin: VariableOrigin,
    /// Its value holds no references.
    pub raw: bool,
    /// The job sees the path of a file that holds the value.
    pub file: bool,
    /// Never in a plan, masked in traces.
    pub secret: bool,
}

impl ContextVariable {
    /// A variable given for this pipeline alone.
    pub fn pipeline(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            origin: VariableOrigin::Pipeline,
            raw: false,
            file: false,
            secret: false,
        }
    }

    /// A variable of the project's settings.
    pub fn project(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            origin: VariableOrigin::Project,
            ..Self::pipeline(key, value)
        }
    }

    /// The same, secret.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

impl fmt::Debug for ContextVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.secret {
            "[redacted]"
        } else {
            &self.value
        };
        f.debug_struct("ContextVariable")
            .field("key", &self.key)
            .field("value", &value)
            .field("origin", &self.origin)
            .field("raw", &self.raw)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

macro_rules! sources {
    ($($(#[$meta:meta])* $variant:ident = $name:literal,)+) => {
        /// What started a pipeline: the values of `CI_PIPELINE_SOURCE`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum PipelineSource {
            $($(#[$meta])* #[serde(rename = $name)] $variant,)+
        }

        impl PipelineSource {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value of `CI_PIPELINE_SOURCE`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The source of that name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|source| source.as_str() == text)
            }
        }
    };
}

sources! {
    /// A push of a branch or a tag.
    #[default]
    Push = "push",
    /// A person in the web interface, or `aqueduct run` with `--source web`.
    Web = "web",
    /// A schedule.
    Schedule = "schedule",
    /// An API call.
    Api = "api",
    /// A trigger token.
    Trigger = "trigger",
    /// Another project's pipeline.
    Pipeline = "pipeline",
    /// The parent of a child pipeline.
    ParentPipeline = "parent_pipeline",
    /// A merge request.
    MergeRequest = "merge_request_event",
    /// A pull request of another forge.
    ExternalPullRequest = "external_pull_request_event",
    /// A chat command.
    Chat = "chat",
    /// The web editor.
    WebIde = "webide",
    /// Another CI service.
    External = "external",
    /// A security scan on demand.
    OndemandDastScan = "ondemand_dast_scan",
    /// Its validation.
    OndemandDastValidation = "ondemand_dast_validation",
    /// A security policy.
    SecurityPolicy = "security_orchestration_policy",
}

impl Context {
    /// A push of `branch`, which is also the default branch, with nothing else known: what `lint` and tests start from.
    pub fn branch(branch: &str) -> Self {
        Self {
            ref_kind: RefKind::Branch,
            ref_name: branch.to_owned(),
            ref_protected: false,
            default_branch: branch.to_owned(),
            sha: ZERO_SHA.to_owned(),
            before_sha: ZERO_SHA.to_owned(),
            source: PipelineSource::Push,
            commit: Commit::default(),
            project: Project::default(),
            config_path: ".gitlab-ci.yml".to_owned(),
            variables: Vec::new(),
            changes: None,
            compare_to: BTreeMap::new(),
            files: Some(Arc::default()),
            merge_request: None,
            schedule_description: None,
            skip_markers: true,
        }
    }

    /// Whether it is a merge-request pipeline.
    pub fn is_merge_request(&self) -> bool {
        self.source == PipelineSource::MergeRequest
    }
}
