//! Every row of the language's tables has a folder of pipelines under `tests/fixtures/language`: the good ones must be
//! accepted, the bad ones refused with exactly the errors their first lines name.
//!
//! `# expect: CODE LINE:COLUMN` is an error, `# warn: CODE LINE:COLUMN` a warning; each must be told, and no other error.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use aqueduct_core::{
    diag::{Diagnostic, Diagnostics, FileId, SourceFile, Span},
    lang::keywords,
    yaml,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/language")
}

#[expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut out: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    out.sort();
    out
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn lint(text: &str) -> Diagnostics {
    let read = yaml::read(FileId(0), text, yaml::Limits::LANGUAGE);
    let mut diagnostics = read.diagnostics;
    let root = read.documents.last().cloned();
    let root = root.unwrap_or_else(|| yaml::Node::null(Span::default()));
    keywords::parse(&root, &mut diagnostics);
    diagnostics
}

fn expected(text: &str, marker: &str) -> BTreeSet<String> {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines
        .filter_map(|line| line.strip_prefix(marker))
        .map(|line| line.trim().to_owned())
        .collect()
}

fn place(file: &SourceFile, found: &Diagnostic) -> String {
    let at = file.position(found.primary.map_or(0, |span| span.start));
    format!("{} {}:{}", found.code, at.line, at.column)
}

/// What differs between what a fixture says and what is told.
fn complaint(path: &Path) -> Option<String> {
    let text = text_of(path);
    let file = SourceFile::new(name_of(path), text.as_str());
    let found = lint(&text);
    let told: BTreeSet<String> = found.errors().map(|item| place(&file, item)).collect();
    let warned: BTreeSet<String> = found.warnings().map(|item| place(&file, item)).collect();
    let errors = expected(&text, "# expect:");
    let warnings = expected(&text, "# warn:");
    let bad = name_of(path).starts_with("bad-");
    if told == errors && bad != errors.is_empty() && warnings.is_subset(&warned) {
        return None;
    }
    let messages: Vec<&str> = found.iter().map(|item| item.message.as_str()).collect();
    Some(format!(
        "{}\n  errors   {errors:?}\n  told     {told:?}\n  warnings {warnings:?}\n  told     {warned:?}\n  {messages:#?}",
        path.strip_prefix(root()).unwrap().display()
    ))
}

#[test]
fn fixtures_are_judged_as_they_say() {
    let pipelines = children(&root()).into_iter().flat_map(|row| children(&row));
    let pipelines = pipelines.filter(|path| path.extension().is_some_and(|end| end == "yml"));
    let complaints: Vec<String> = pipelines.filter_map(|path| complaint(&path)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
