//! What a pipeline of an event is made for, as a value: the same as a laptop gathers for the same commit and ref.

use std::collections::BTreeMap;

use aqueduct_core::{
    lang::context::{Commit, Context, PipelineSource, Project, RefKind, ZERO_SHA},
    refs::{RefEvent, split_ref},
};
use aqueduct_ports::store;

/// What is known before anything is compiled.
pub(super) struct Known<'a> {
    pub(super) project: &'a store::Project,
    pub(super) event: &'a RefEvent,
    /// The commit that the event led to.
    pub(super) sha: &'a str,
    pub(super) commit: Commit,
    pub(super) changes: Option<Vec<String>>,
    /// Path of the pipeline file.
    pub(super) entry: &'a str,
    /// Where people reach the coordinator.
    pub(super) url: &'a str,
    /// Whether the operator protects the ref.
    pub(super) protected: bool,
}

/// The context of a push.
pub(super) fn context(known: Known<'_>) -> Context {
    let (ref_kind, ref_name) =
        split_ref(&known.event.name).unwrap_or((RefKind::Branch, &known.event.name));
    let default_branch = known.project.default_branch.as_deref().unwrap_or("main");
    let before = known
        .event
        .before
        .as_deref()
        .filter(|_| ref_kind == RefKind::Branch);
    Context {
        ref_kind,
        ref_name: ref_name.to_owned(),
        ref_protected: known.protected
            || (ref_kind == RefKind::Branch && ref_name == default_branch),
        default_branch: default_branch.to_owned(),
        sha: known.sha.to_owned(),
        before_sha: before.unwrap_or(ZERO_SHA).to_owned(),
        source: PipelineSource::Push,
        commit: known.commit,
        project: Project {
            path: known.project.path.clone(),
            title: String::new(),
            url: format!("{}/{}", known.url, known.project.path),
            registry_image: String::new(),
        },
        config_path: known.entry.to_owned(),
        variables: Vec::new(),
        changes: known.changes.map(Into::into),
        compare_to: BTreeMap::new(),
        files: None,
        merge_request: None,
        schedule_description: None,
        skip_markers: true,
    }
}
