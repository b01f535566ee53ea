//! Predefined variables (pipeline-yaml section 18) that follow from the context and the job alone.
//!
//! Those that name a run (`CI_JOB_ID`, `CI_PIPELINE_URL`, …) or a machine (`CI_PROJECT_DIR`) are added when a job is leased
//! and by its runner.

use std::sync::Arc;

use super::{
    context::{Context, MergeRequest, RefKind},
    instances::Instance,
    slug::slug,
    variables::{Entry, Layer},
};
use crate::{
    hash::State,
    plan::{Environment, EnvironmentAction, VariableOrigin},
    platform::{Arch, Platform},
};

/// `CI_COMMIT_SHORT_SHA` has this many characters.
const SHORT_SHA: usize = 8;

/// Adds a predefined variable.
pub(super) fn set(layer: &mut Layer, key: &str, value: &str) {
    layer.insert(key.into(), Entry::plain(value, VariableOrigin::Predefined));
}

/// Adds one where there is something to say.
fn set_some(layer: &mut Layer, key: &str, value: &str) {
    if !value.is_empty() {
        set(layer, key, value);
    }
}

/// What all jobs of a pipeline see.
pub(super) fn pipeline(context: &Context) -> Layer {
    let mut layer = Layer::default();
    let vars = &mut layer;
    set(vars, "CI", "true");
    set(vars, "GITLAB_CI", "true");
    set(vars, "CI_PIPELINE_SOURCE", context.source.as_str());
    set_some(vars, "CI_CONFIG_PATH", &context.config_path);
    set(vars, "CI_DEFAULT_BRANCH", &context.default_branch);
    set(
        vars,
        "CI_DEFAULT_BRANCH_SLUG",
        &slug(&context.default_branch),
    );
    if let Some(description) = &context.schedule_description {
        set(vars, "CI_PIPELINE_SCHEDULE_DESCRIPTION", description);
    }
    commit(vars, context);
    project(vars, context);
    if let Some(request) = &context.merge_request {
        merge_request(vars, request, &context.project.path);
    }
    layer
}

fn commit(vars: &mut Layer, context: &Context) {
    let commit = &context.commit;
    set(vars, "CI_COMMIT_SHA", &context.sha);
    let short = context.sha.get(..SHORT_SHA).unwrap_or(&context.sha);
    set(vars, "CI_COMMIT_SHORT_SHA", short);
    set(vars, "CI_COMMIT_BEFORE_SHA", &context.before_sha);
    set(vars, "CI_COMMIT_REF_NAME", &context.ref_name);
    set(vars, "CI_COMMIT_REF_SLUG", &slug(&context.ref_name));
    let protected = if context.ref_protected {
        "true"
    } else {
        "false"
    };
    set(vars, "CI_COMMIT_REF_PROTECTED", protected);
    match context.ref_kind {
        RefKind::Tag => {
            set(vars, "CI_COMMIT_TAG", &context.ref_name);
            set(
                vars,
                "CI_COMMIT_TAG_MESSAGE",
                commit.tag_message.as_deref().unwrap_or(""),
            );
        }
        RefKind::Branch if !context.is_merge_request() => {
            set(vars, "CI_COMMIT_BRANCH", &context.ref_name);
        }
        RefKind::Branch => {}
    }
    let (title, description) = commit
        .message
        .split_once('\n')
        .unwrap_or((&commit.message, ""));
    set(vars, "CI_COMMIT_MESSAGE", &commit.message);
    set(vars, "CI_COMMIT_MESSAGE_IS_TRUNCATED", "false");
    set(vars, "CI_COMMIT_TITLE", title.trim_end());
    set(vars, "CI_COMMIT_DESCRIPTION", description.trim_start());
    set(vars, "CI_COMMIT_AUTHOR", &commit.author);
    set(vars, "CI_COMMIT_TIMESTAMP", &commit.timestamp);
}

fn project(vars: &mut Layer, context: &Context) {
    let project = &context.project;
    let path = &project.path;
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
    let title = if project.title.is_empty() {
        name
    } else {
        &project.title
    };
    set(vars, "CI_PROJECT_NAME", name);
    set(vars, "CI_PROJECT_TITLE", title);
    set(vars, "CI_PROJECT_PATH", path);
    set(vars, "CI_PROJECT_PATH_SLUG", &slug(path));
    set(vars, "CI_PROJECT_NAMESPACE", namespace);
    set(vars, "CI_PROJECT_NAMESPACE_SLUG", &slug(namespace));
    set(
        vars,
        "CI_PROJECT_ROOT_NAMESPACE",
        namespace.split('/').next().unwrap_or(""),
    );
    set_some(vars, "CI_PROJECT_URL", &project.url);
    if let Some((protocol, rest)) = project.url.split_once("://") {
        server(vars, protocol, rest);
    }
    if let Some((registry, _)) = project.registry_image.split_once('/') {
        set(vars, "CI_REGISTRY", registry);
        set(vars, "CI_REGISTRY_IMAGE", &project.registry_image);
    }
}

fn server(vars: &mut Layer, protocol: &str, rest: &str) {
    let authority = rest.split('/').next().unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (authority, if protocol == "http" { "80" } else { "443" }),
    };
    set(vars, "CI_SERVER_PROTOCOL", protocol);
    set(vars, "CI_SERVER_HOST", host);
    set(vars, "CI_SERVER_FQDN", authority);
    set(vars, "CI_SERVER_PORT", port);
    let url = format!("{protocol}://{authority}");
    set(vars, "CI_API_V4_URL", &format!("{url}/api/v4"));
    set(vars, "CI_API_GRAPHQL_URL", &format!("{url}/api/graphql"));
    set(vars, "CI_SERVER_SHELL_SSH_HOST", host);
    set(vars, "CI_SERVER_SHELL_SSH_PORT", "22");
    set(vars, "CI_SERVER_URL", &url);
}

fn merge_request(vars: &mut Layer, request: &MergeRequest, project: &str) {
    let mut own = |key: &str, value: &str| set(vars, &format!("CI_MERGE_REQUEST_{key}"), value);
    own("IID", &request.iid.to_string());
    own("TITLE", &request.title);
    own("EVENT_TYPE", "detached");
    own("SOURCE_BRANCH_NAME", &request.source_branch);
    own("TARGET_BRANCH_NAME", &request.target_branch);
    own("DIFF_BASE_SHA", &request.diff_base_sha);
    own("SOURCE_PROJECT_PATH", &request.source_project_path);
    own("PROJECT_PATH", project);
    own(
        "REF_PATH",
        &format!("refs/merge-requests/{}/head", request.iid),
    );
    own("SOURCE_BRANCH_SHA", "");
    own("TARGET_BRANCH_SHA", "");
    own("DRAFT", if request.draft { "true" } else { "false" });
    if !request.labels.is_empty() {
        own("LABELS", &request.labels.join(","));
    }
}

/// What one job sees of itself. The names of the variables are made once for all jobs of a pipeline.
pub(super) struct JobVariables {
    name: Arc<str>,
    slug: Arc<str>,
    group: Arc<str>,
    stage: Arc<str>,
    index: Arc<str>,
    total: Arc<str>,
    one: Arc<str>,
}

impl JobVariables {
    pub(super) fn new() -> Self {
        Self {
            name: "CI_JOB_NAME".into(),
            slug: "CI_JOB_NAME_SLUG".into(),
            group: "CI_JOB_GROUP_NAME".into(),
            stage: "CI_JOB_STAGE".into(),
            index: "CI_NODE_INDEX".into(),
            total: "CI_NODE_TOTAL".into(),
            one: "1".into(),
        }
    }

    /// The layer of an instance.
    pub(super) fn of(&self, instance: &Instance<'_>, stage: &str) -> Layer {
        let mut layer = Layer::with_capacity_and_hasher(CAPACITY, State::default());
        let mut set = |key: &Arc<str>, value: Arc<str>| {
            let entry = Entry::plain(value, VariableOrigin::Predefined);
            layer.insert(Arc::clone(key), entry);
        };
        let name: Arc<str> = instance.name.as_str().into();
        let or_name = |text: &str| {
            if *text == *name {
                Arc::clone(&name)
            } else {
                text.into()
            }
        };
        set(&self.slug, or_name(&slug(&name)));
        set(&self.group, or_name(&instance.job.name.value));
        set(&self.stage, stage.into());
        if let Some((index, total)) = instance.node {
            set(&self.index, index.to_string().into());
            set(&self.total, total.to_string().into());
        } else {
            set(&self.total, Arc::clone(&self.one));
        }
        set(&self.name, name);
        layer
    }
}

/// Predefined variables of a job that has an architecture or nothing beside what all have.
const CAPACITY: usize = 7;

/// What a job that is pinned to an architecture sees of it.
pub(super) fn arch(layer: &mut Layer, arch: Arch) {
    set(layer, super::instances::ARCH_AXIS, arch.as_str());
    set(
        layer,
        "AQUEDUCT_PLATFORM",
        &Platform::linux(arch).to_string(),
    );
}

/// What a job with an environment sees of it.
pub(super) fn environment(layer: &mut Layer, environment: &Environment) {
    let action = match environment.action {
        EnvironmentAction::Start => "start",
        EnvironmentAction::Prepare => "prepare",
        EnvironmentAction::Stop => "stop",
        EnvironmentAction::Verify => "verify",
        EnvironmentAction::Access => "access",
    };
    set(layer, "CI_ENVIRONMENT_NAME", &environment.name);
    set(layer, "CI_ENVIRONMENT_SLUG", &environment.slug);
    set(layer, "CI_ENVIRONMENT_ACTION", action);
    set(layer, "CI_ENVIRONMENT_TIER", &environment.tier);
    if let Some(url) = &environment.url {
        set(layer, "CI_ENVIRONMENT_URL", url);
    }
}
