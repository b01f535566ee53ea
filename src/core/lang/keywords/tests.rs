//! What messages look like, and that nothing panics. What is accepted and refused is in `tests/fixtures/language`.

use std::fmt::Write;

use crate::{
    diag::{Diagnostics, FileId, SourceFile},
    lang::model::Pipeline,
    yaml,
};

fn parse(text: &str) -> (Pipeline, Diagnostics) {
    let read = yaml::read(FileId(0), text, yaml::Limits::LANGUAGE);
    let mut diagnostics = read.diagnostics;
    let root = read.documents.last().cloned();
    let root = root.unwrap_or_else(|| yaml::Node::null(crate::diag::Span::default()));
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
