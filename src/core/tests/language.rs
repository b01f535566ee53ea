//! Every row of the language's tables has a folder of pipelines under `tests/fixtures/language`: the good ones must be
//! accepted, the bad ones refused with exactly the errors their first lines name.
//!
//! `# expect: CODE LINE:COLUMN` is an error, `# warn: CODE LINE:COLUMN` a warning; each must be told, and no other error.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "language/rows.rs"]
mod rows;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use aqueduct_core::{
    diag::{Diagnostic, SourceMap},
    lang::{CompileRequest, Compiled, Linted, SourceRequest, Sources, context::Context, lint},
};
use indexmap::IndexMap;

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

/// Lints a pipeline for a push to `main`; files it includes stand in the folder `files` beside it.
fn linted(path: &Path) -> Linted {
    let beside = path.parent().unwrap().join("files");
    let entry = name_of(path);
    let request = CompileRequest {
        entry: entry.clone(),
        context: Context::branch("main"),
        inputs: IndexMap::new(),
    };
    let mut sources = Sources::new().with(&entry, &text_of(path));
    loop {
        match lint(&request, &sources) {
            Compiled::Done(linted) => return linted,
            Compiled::Need(lacking) => {
                for request in lacking {
                    let file = match &request {
                        SourceRequest::Local(path) => Some(beside.join(path)),
                        SourceRequest::Template(_)
                        | SourceRequest::Changes(_)
                        | SourceRequest::Files => None,
                    };
                    let file = file.filter(|file| file.is_file());
                    let bytes = file.map(|file| text_of(&file).into_bytes());
                    sources.insert(request, bytes);
                }
            }
        }
    }
}

fn expected(text: &str, marker: &str) -> BTreeSet<String> {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines
        .filter_map(|line| line.strip_prefix(marker))
        .map(|line| line.trim().to_owned())
        .collect()
}

fn place(sources: &SourceMap, found: &Diagnostic) -> String {
    match found.primary.and_then(|span| sources.locate(span)) {
        Some((_, at)) => format!("{} {}:{}", found.code, at.line, at.column),
        None => found.code.to_owned(),
    }
}

/// What differs between what a fixture says and what is told.
fn complaint(path: &Path) -> Option<String> {
    let text = text_of(path);
    let linted = linted(path);
    let found = &linted.diagnostics;
    let place = |item| place(&linted.sources, item);
    let told: BTreeSet<String> = found.errors().map(place).collect();
    let warned: BTreeSet<String> = found.warnings().map(place).collect();
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

#[test]
fn every_finding_names_a_way_out() {
    let pipelines = children(&root()).into_iter().flat_map(|row| children(&row));
    let pipelines = pipelines.filter(|path| path.extension().is_some_and(|end| end == "yml"));
    let helpless: BTreeSet<String> = pipelines
        .flat_map(|path| linted(&path).diagnostics.into_vec())
        .filter(|found| found.help.is_none())
        .map(|found| format!("{}: {}", found.code, found.message))
        .collect();
    assert!(helpless.is_empty(), "without help: {helpless:#?}");
}

#[test]
fn every_row_has_good_and_bad_pipelines() {
    let known: BTreeSet<String> = rows::ROWS
        .iter()
        .flat_map(|(section, rows)| rows.iter().map(move |row| format!("{section}-{row}")))
        .collect();
    let mut there = BTreeSet::new();
    let mut lacking = Vec::new();
    for folder in children(&root()) {
        let names: Vec<String> = children(&folder).iter().map(|path| name_of(path)).collect();
        for kind in ["good-", "bad-"] {
            if !names.iter().any(|name| name.starts_with(kind)) {
                lacking.push(format!("{}/{kind}*.yml", name_of(&folder)));
            }
        }
        there.insert(name_of(&folder));
    }
    lacking.extend(known.difference(&there).cloned());
    assert!(lacking.is_empty(), "rows without fixtures: {lacking:?}");
    let unknown: Vec<&String> = there.difference(&known).collect();
    assert!(unknown.is_empty(), "folders that are no row: {unknown:?}");
}
