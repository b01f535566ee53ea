//! Helpers of this folder's tests: a pipeline's text without includes, extends or defaults to a plan.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use super::{
    build::{self, Request},
    context::Context,
    keywords, logic,
    model::Pipeline,
};
use crate::{
    diag::{Diagnostics, FileId, SourceFile, SourceMap},
    plan::{Plan, PlanJob},
    yaml,
};

/// The typed model; a mistake of the text itself fails the test.
pub(super) fn model(text: &str) -> Pipeline {
    let read = yaml::read(FileId(0), text, yaml::Limits::LANGUAGE);
    let mut diagnostics = read.diagnostics;
    let root = read.documents.last().expect("a document");
    let model = keywords::parse(root, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", told(text, &diagnostics));
    model
}

/// `line:column code: message (help)` of each diagnostic.
pub(super) fn told(text: &str, diagnostics: &Diagnostics) -> String {
    let file = SourceFile::new(".gitlab-ci.yml", text);
    let lines = diagnostics.iter().map(|item| {
        let place = item.primary.map(|span| file.position(span.start));
        let place = place.map_or("-".to_owned(), |at| format!("{}:{}", at.line, at.column));
        let help = item.help.as_deref().unwrap_or("no help");
        format!("{place} {}: {} ({help})", item.code, item.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What the checks without a context say.
pub(super) fn checked(text: &str) -> String {
    let mut diagnostics = Diagnostics::new();
    logic::check(&model(text), &mut diagnostics);
    told(text, &diagnostics)
}

/// The plan, or what stands against it.
pub(super) fn plan_in(text: &str, context: &Context) -> Result<Plan, String> {
    let mut sources = SourceMap::default();
    sources.add(SourceFile::new(".gitlab-ci.yml", text));
    let inputs = BTreeMap::new();
    let lacking = RefCell::default();
    let request = Request {
        lacking: &lacking,
        context,
        sources: &sources,
        inputs: &inputs,
    };
    let mut diagnostics = Diagnostics::new();
    build::plan(&model(text), &request, &mut diagnostics).ok_or_else(|| told(text, &diagnostics))
}

/// The plan for a push of `main`.
pub(super) fn plan(text: &str) -> Plan {
    plan_in(text, &Context::branch("main")).unwrap_or_else(|error| panic!("{error}"))
}

/// Names of the jobs of a plan, in order.
pub(super) fn names(plan: &Plan) -> Vec<&str> {
    plan.jobs.iter().map(|job| job.name.as_str()).collect()
}

/// A job that must be there.
pub(super) fn job<'p>(plan: &'p Plan, name: &str) -> &'p PlanJob {
    plan.job(name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", names(plan)))
}

/// Value of a variable of the job's own, unexpanded.
pub(super) fn variable<'p>(job: &'p PlanJob, key: &str) -> Option<&'p str> {
    let found = job.variables.iter().find(|variable| *variable.key == *key);
    found.map(|variable| &*variable.value)
}

/// Paths as a context holds them.
pub(super) fn paths(paths: &[&str]) -> Arc<[String]> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}
