//! What messages look like, and that nothing panics. What is accepted and refused is in `tests/fixtures/language`.

use std::fmt::Write;

use proptest::prelude::*;

use crate::{
    diag::{Diagnostics, FileId, SourceFile, Span},
    lang::model::Pipeline,
    yaml::{self, Entry, Node, Value},
};

fn parse(text: &str) -> (Pipeline, Diagnostics) {
    let read = yaml::read(FileId(0), text, yaml::Limits::LANGUAGE);
    let mut diagnostics = read.diagnostics;
    let root = read.documents.last().cloned();
    let root = root.unwrap_or_else(|| Node::null(Span::default()));
    let pipeline = super::parse(&root, &mut diagnostics);
    diagnostics.sort();
    (pipeline, diagnostics)
}

/// `line:column code: message`, then the offending text and the help.
fn told(text: &str) -> String {
    let file = SourceFile::new(".gitlab-ci.yml", text);
    let mut out = String::new();
    for item in parse(text).1.iter() {
        let span = item.primary.unwrap();
        let at = file.position(span.start);
        let offending = file.slice(span).lines().next().unwrap_or_default();
        let _ = writeln!(
            out,
            "{}:{} {}: {}",
            at.line, at.column, item.code, item.message
        );
        let _ = writeln!(out, "    at: {offending}");
        let _ = writeln!(out, "    help: {}", item.help.as_deref().unwrap_or("-"));
    }
    out
}

#[test]
fn a_plain_pipeline_is_fine() {
    let text = "
stages: [build, test]
build:
  stage: build
  image: alpine
  script: [make]
  artifacts: {paths: [out], expire_in: 1 week}
test:
  needs: [build]
  script: make test
";
    assert_eq!(told(text), "");
    insta::assert_debug_snapshot!(parse(text).0.jobs["test"].needs);
}

#[test]
fn messages() {
    insta::assert_snapshot!(told(include_str!("tests/mistakes.yml")));
}

#[test]
fn nothing_inherited_is_told_twice() {
    let text = "
default: {retry: 9}
.base: &base
  timeout: soon
a:
  <<: *base
  script: make
b:
  <<: *base
  script: make
";
    let found = parse(text).1;
    let codes: Vec<&str> = found.iter().map(|item| item.code).collect();
    assert_eq!(codes, ["limit-exceeded", "invalid-duration"]);
}

#[test]
fn what_this_version_only_checks_is_noted_with_its_place() {
    let text = include_str!("tests/unsupported.yml");
    let file = SourceFile::new(".gitlab-ci.yml", text);
    let (pipeline, found) = parse(text);
    assert!(!found.has_errors());
    let mut noted = String::new();
    for job in pipeline.jobs.values() {
        for keyword in &job.unsupported {
            let at = file.position(keyword.span.start);
            let _ = writeln!(noted, "{}: {} {}", job.name.value, keyword.value, at.line);
        }
    }
    insta::assert_snapshot!(noted);
}

#[test]
fn the_model_holds_what_the_file_says() {
    let (pipeline, found) = parse(include_str!("tests/model.yml"));
    assert!(!found.has_errors());
    // Without places and without what the file doesn't say.
    let filters = [
        (r"(?:\w*span: )?Span \{[^}]*\},?", ""),
        (r"\w+: (?:None|\[\]|\{\}|false|All),", ""),
        (r"\n\s*\n(?:\s*\n)*", "\n"),
    ];
    insta::with_settings!({filters => filters.to_vec()}, {
        insta::assert_debug_snapshot!(pipeline);
    });
}

/// Trees that a pipeline could be mistaken for: known words in every place.
fn tree() -> impl Strategy<Value = Node> {
    let words = prop::sample::select(WORDS);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3_i64..300).prop_map(Value::Int),
        Just(Value::Float(1.5)),
        words.clone().prop_map(|word| Value::String(word.into())),
        "[ -~]{0,12}".prop_map(|text| Value::String(text.into())),
    ]
    .prop_map(|value| Node::new(Span::default(), value));
    leaf.prop_recursive(6, 120, 8, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..5);
        let map = prop::collection::vec((words.clone(), inner), 0..7);
        prop_oneof![
            list.prop_map(|items| Node::sequence(Span::default(), items)),
            map.prop_map(mapping),
        ]
    })
}

fn mapping(entries: Vec<(&'static str, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, value)| {
        let entry = Entry {
            key_span: Span::default(),
            value,
        };
        (key.into(), entry)
    });
    Node::mapping(Span::default(), entries.collect())
}

const WORDS: &[&str] = &[
    "",
    "$A",
    "/a/",
    "/(/",
    "1 day",
    "a/b",
    "access",
    "after_script",
    "alias",
    "all",
    "always",
    "amd64",
    "allow_failure",
    "arch",
    "artifacts",
    "assets",
    "aud",
    "auto_cancel",
    "before_script",
    "cache",
    "changes",
    "coverage",
    "default",
    "delayed",
    "dependencies",
    "description",
    "docker",
    "environment",
    "except",
    "exists",
    "exit_codes",
    "expire_in",
    "files",
    "from",
    "hooks",
    "id_tokens",
    "if",
    "image",
    "include",
    "index",
    "inherit",
    "inputs",
    "interruptible",
    "job",
    "key",
    "linux/arm64",
    "links",
    "manual",
    "matrix",
    "max",
    "name",
    "needs",
    "never",
    "only",
    "options",
    "pages",
    "parallel",
    "paths",
    "pipeline",
    "platforms",
    "policy",
    "project",
    "publish",
    "pull_policy",
    "python",
    "regex",
    "release",
    "reports",
    "require",
    "resource_group",
    "retry",
    "rules",
    "run",
    "script",
    "secrets",
    "services",
    "stage",
    "stages",
    "start_in",
    "step",
    "strategy",
    "tag_name",
    "tags",
    "test",
    "timeout",
    "to",
    "trigger",
    "type",
    "url",
    "value",
    "variables",
    "vault",
    "when",
    "workflow",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the tree, there is an answer; every finding can be acted on.
    #[test]
    fn any_tree_is_read_without_panic(root in tree(), job in tree()) {
        for root in [root, mapping(vec![("build", job)])] {
            let mut found = Diagnostics::new();
            let pipeline = super::parse(&root, &mut found);
            for item in found.iter() {
                prop_assert!(item.primary.is_some() && !item.message.is_empty());
                prop_assert!(item.code.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
                prop_assert!(!item.message.ends_with('.'));
            }
            prop_assert!(found.has_errors() || !pipeline.jobs.is_empty());
            prop_assert_eq!(pipeline.stages.first().map(|stage| stage.value.as_str()), root.as_mapping().map(|_| ".pre"));
        }
    }
}

#[test]
fn long_names_and_values_are_not_told_whole() {
    let name = "n".repeat(100_000);
    let value = "v".repeat(100_000);
    let text = format!("{name}:\n  arch: {value}\n  {value}: 1\n");
    for item in parse(&text).1.iter() {
        assert!(item.message.len() < 1_000, "{}", item.message.len());
        let help = item.help.as_deref().unwrap_or_default();
        assert!(help.len() < 1_000, "{}", help.len());
    }
}
