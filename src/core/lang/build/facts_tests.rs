//! What the hash counts and what it leaves out.

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    diag::{SourceFile, SourceMap},
    lang::{
        build::{Request, facts::hash},
        context::{Context, ContextVariable, MergeRequest, PipelineSource, RefKind},
        testing::{model, paths},
    },
};

const TEXT: &str = "j: {script: x, rules: [{changes: [a], exists: [b]}]}\n";

fn files(files: &[(&str, &str)]) -> SourceMap {
    let mut sources = SourceMap::default();
    for (name, text) in files {
        sources.add(SourceFile::new(*name, *text));
    }
    sources
}

fn of(context: &Context) -> String {
    let sources = files(&[("ci.yml", TEXT)]);
    let inputs = BTreeMap::new();
    let lacking = RefCell::default();
    let request = Request {
        lacking: &lacking,
        context,
        sources: &sources,
        inputs: &inputs,
    };
    hash(&model(TEXT), &request)
}

fn with(change: impl FnOnce(&mut Context)) -> String {
    let mut context = base();
    change(&mut context);
    of(&context)
}

fn base() -> Context {
    let mut context = Context::branch("main");
    context.merge_request = Some(MergeRequest::default());
    context.variables = vec![
        ContextVariable::project("A", "a"),
        ContextVariable::project("S", "secret").secret(),
    ];
    context
}

#[test]
fn equal_inputs_give_equal_hashes() {
    assert_eq!(of(&base()), of(&base()));
    assert!(of(&base()).starts_with("sha256:"));
    insta::assert_snapshot!(of(&base()));
}

#[test]
fn what_decides_the_outcome_counts() {
    let changed = [
        with(|context| context.ref_name = "topic".into()),
        with(|context| context.ref_kind = RefKind::Tag),
        with(|context| context.ref_protected = true),
        with(|context| context.default_branch = "trunk".into()),
        with(|context| context.sha = "1".repeat(40)),
        with(|context| context.source = PipelineSource::Web),
        with(|context| context.commit.message = "m".into()),
        with(|context| context.project.path = "g/p".into()),
        with(|context| context.variables[0].value = "b".into()),
        with(|context| context.variables[0].raw = true),
        with(|context| context.variables.push(ContextVariable::pipeline("A", "a"))),
        with(|context| {
            context.variables.pop();
        }),
        with(|context| context.changes = Some(paths(&["a"]))),
        with(|context| context.files = Some(paths(&["b"]))),
        with(|context| context.merge_request = None),
    ];
    let mut all = changed.to_vec();
    all.push(of(&base()));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), changed.len() + 1);
}

#[test]
fn ids_urls_times_and_the_values_of_secrets_stay_out() {
    let unchanged = [
        with(|context| context.commit.timestamp = "2026-01-01T00:00:00Z".into()),
        with(|context| context.project.url = "https://forge.example.com/g/p".into()),
        with(|context| context.project.registry_image = "registry.example.com/g/p".into()),
        with(|context| {
            context.merge_request = Some(MergeRequest {
                iid: 9,
                ..MergeRequest::default()
            });
        }),
        with(|context| context.variables[1].value = "other".into()),
        with(|context| context.variables.reverse()),
        // Only the last of one name counts.
        with(|context| {
            context
                .variables
                .insert(0, ContextVariable::project("A", "old"));
        }),
    ];
    for hash in unchanged {
        assert_eq!(hash, of(&base()));
    }
}

#[test]
fn paths_count_only_where_a_condition_reads_them() {
    let plain = "j: {script: x}\n";
    let of = |context: &Context| {
        let sources = files(&[("ci.yml", plain)]);
        let inputs = BTreeMap::new();
        let lacking = RefCell::default();
        let request = Request {
            lacking: &lacking,
            context,
            sources: &sources,
            inputs: &inputs,
        };
        hash(&model(plain), &request)
    };
    let mut context = base();
    let before = of(&context);
    context.changes = Some(paths(&["a"]));
    context.files = Some(paths(&["b"]));
    assert_eq!(of(&context), before);
}

#[test]
fn sources_and_inputs_count_whatever_their_order() {
    let context = base();
    let model = model(TEXT);
    let of = |list: &[(&str, &str)], inputs: &[(&str, &str)]| {
        let sources = files(list);
        let inputs = inputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let inputs = inputs.collect();
        let lacking = RefCell::default();
        let request = Request {
            lacking: &lacking,
            context: &context,
            sources: &sources,
            inputs: &inputs,
        };
        hash(&model, &request)
    };
    let one = of(&[("a", "1"), ("b", "2")], &[("x", "1")]);
    assert_eq!(
        one,
        of(&[("b", "2"), ("a", "1"), ("b", "2")], &[("x", "1")])
    );
    assert_ne!(one, of(&[("a", "1"), ("b", "3")], &[("x", "1")]));
    assert_ne!(one, of(&[("a", "1"), ("c", "2")], &[("x", "1")]));
    assert_ne!(one, of(&[("a", "1"), ("b", "2")], &[("x", "2")]));
}
