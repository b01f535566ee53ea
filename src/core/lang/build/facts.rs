//! What the plan's hash is made of.

use serde::Serialize;
use serde_json::{Value, json};

use super::Request;
use crate::{
    diag::SourceMap,
    lang::{
        compose::SourceRequest,
        context::{Context, ContextVariable, MergeRequest},
        model::Pipeline,
    },
    plan::{hash_of, hash_of_bytes},
};

/// The hash over what decides the outcome. Ids, URLs and times are left out; of secrets only the names count; lists of
/// paths count where a condition reads them.
pub(super) fn hash(model: &Pipeline, request: &Request<'_>) -> String {
    hash_of(&json!({
        "sources": sources(request.sources),
        "inputs": request.inputs,
        "context": context(request.context),
        "paths": paths(model, request),
    }))
}

/// Name and digest of each file; order and repetition don't matter.
fn sources(sources: &SourceMap) -> Vec<(String, String)> {
    let mut files: Vec<_> = sources
        .iter()
        .map(|(_, file)| (file.name.clone(), hash_of_bytes(file.text.as_bytes())))
        .collect();
    files.sort();
    files.dedup();
    files
}

fn context(context: &Context) -> Value {
    json!({
        "ref_kind": context.ref_kind,
        "ref": context.ref_name,
        "ref_protected": context.ref_protected,
        "default_branch": context.default_branch,
        "sha": context.sha,
        "source": context.source,
        "message": context.commit.message,
        "author": context.commit.author,
        "tag_message": context.commit.tag_message,
        "project": context.project.path,
        "config_path": context.config_path,
        "merge_request": context.merge_request.as_ref().map(merge_request),
        "schedule": context.schedule_description,
        "variables": variables(context),
    })
}

fn merge_request(request: &MergeRequest) -> Value {
    json!({
        "title": request.title,
        "source_branch": request.source_branch,
        "target_branch": request.target_branch,
        "source_project": request.source_project_path,
        "labels": request.labels,
        "draft": request.draft,
    })
}

/// The variables that count: the last of each name, by name.
fn variables(context: &Context) -> Vec<Value> {
    #[derive(Serialize)]
    struct Counted<'a> {
        value: Option<&'a str>,
        raw: bool,
        file: bool,
    }
    let one = |variable: &ContextVariable| {
        let counted = Counted {
            value: (!variable.secret).then_some(variable.value.as_str()),
            raw: variable.raw,
            file: variable.file,
        };
        json!([variable.key, variable.origin, counted])
    };
    let mut last: Vec<&ContextVariable> = Vec::new();
    let mut sorted: Vec<&ContextVariable> = context.variables.iter().collect();
    sorted.sort_by(|one, other| (&one.key, one.origin).cmp(&(&other.key, other.origin)));
    for variable in sorted {
        match last.last_mut() {
            Some(before) if before.key == variable.key => *before = variable,
            _ => last.push(variable),
        }
    }
    last.into_iter().map(one).collect()
}

fn paths(model: &Pipeline, request: &Request<'_>) -> Value {
    let context = request.context;
    let workflow = model.workflow.rules.iter().flatten();
    let rules = || {
        workflow.clone().chain(
            model
                .jobs
                .values()
                .flat_map(|job| job.rules.iter().flatten()),
        )
    };
    let mut filters = model
        .jobs
        .values()
        .flat_map(|job| job.only.iter().chain(&job.except));
    let changes = rules().any(|rule| rule.changes.is_some())
        || filters.any(|filter| filter.changes.is_some());
    let compared = rules().any(|rule| {
        rule.changes
            .as_ref()
            .is_some_and(|changes| changes.compare_to.is_some())
    });
    let exists = rules().any(|rule| rule.exists.is_some());
    if exists && context.files.is_none() {
        // Also where no rule came that far: the hash must not depend on who knew the files beforehand.
        request.lacking.borrow_mut().insert(SourceRequest::Files);
    }
    json!({
        "changes": context.changes.as_ref().filter(|_| changes),
        "compare_to": compared.then_some(&context.compare_to),
        "files": context.files.as_ref().filter(|_| exists),
    })
}
