//! Composition as a whole: files in, one tree and its diagnostics out.

mod hostile;
mod include;
mod inputs;
mod merge;
mod speed;

use std::{fmt::Write, sync::Arc};

use indexmap::IndexMap;

use super::{Composed, Composition, SourceRequest, Sources, compose};
use crate::{
    lang::context::{Context, ContextVariable},
    yaml::{Node, Value},
};

/// A small repository and what its pipeline is made for.
struct Repository {
    sources: Sources,
    context: Context,
    inputs: IndexMap<String, String>,
}

impl Repository {
    /// Files by path; the first is the entry.
    fn new(files: &[(&str, &str)]) -> Self {
        let mut sources = Sources::new();
        let mut paths = Vec::new();
        for (path, text) in files {
            sources = sources.with(path, text);
            paths.push((*path).to_owned());
        }
        paths.sort();
        let mut context = Context::branch("main");
        context.files = Some(Arc::from(paths));
        Self {
            sources,
            context,
            inputs: IndexMap::new(),
        }
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        let variable = ContextVariable::pipeline(name, value);
        self.context.variables.push(variable);
        self
    }

    fn input(mut self, name: &str, value: &str) -> Self {
        self.inputs.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Composes with `.gitlab-ci.yml` as the entry; whatever is asked for and isn't there is missing.
    fn compose(&self) -> Composed {
        let mut sources = self.sources.clone();
        loop {
            let composition = Composition {
                entry: ".gitlab-ci.yml",
                inputs: &self.inputs,
                context: &self.context,
            };
            match compose(composition, &sources) {
                Ok(composed) => return composed,
                Err(lacking) => {
                    assert!(!lacking.is_empty());
                    for request in lacking {
                        sources.insert(request, None);
                    }
                }
            }
        }
    }

    /// The tree, then the diagnostics.
    fn show(&self) -> String {
        let composed = self.compose();
        let mut out = String::new();
        if composed.complete {
            for (key, entry) in composed.root.as_mapping().unwrap().iter() {
                let _ = writeln!(out, "{key}: {}", compact(&entry.value));
            }
        }
        for found in composed.diagnostics.iter() {
            let place = |span| match composed.sources.locate(span) {
                Some((file, at)) => format!("{file}:{}:{}", at.line, at.column),
                None => "?".to_owned(),
            };
            let at = found.primary.map_or_else(|| "-".to_owned(), place);
            let _ = writeln!(
                out,
                "{:?} {at} {}: {}",
                found.severity, found.code, found.message
            );
            for label in &found.labels {
                let _ = writeln!(out, "  {} {}", place(label.span), label.message);
            }
            if let Some(help) = &found.help {
                let _ = writeln!(out, "  help: {help}");
            }
        }
        out
    }
}

/// One file alone.
fn show(text: &str) -> String {
    Repository::new(&[(".gitlab-ci.yml", text)]).show()
}

/// The compact form of one top-level key of one file, which composes without a word.
fn value(text: &str, key: &str) -> String {
    let composed = Repository::new(&[(".gitlab-ci.yml", text)]).compose();
    let found: Vec<_> = composed.diagnostics.iter().collect();
    assert!(found.is_empty(), "{text}\n{found:#?}");
    compact(composed.root.get(key).unwrap())
}

fn compact(node: &Node) -> String {
    let list = |items: &[Node]| items.iter().map(compact).collect::<Vec<_>>().join(", ");
    match node.value() {
        Value::Sequence(items) => format!("[{}]", list(items)),
        Value::Reference(items) => format!("!reference [{}]", list(items)),
        Value::Mapping(mapping) => {
            let entries = mapping
                .iter()
                .map(|(key, entry)| format!("{key}: {}", compact(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => format!("{text:?}"),
        Value::Null => "null".to_owned(),
        _ => node.to_text().unwrap_or_default().into_owned(),
    }
}

#[test]
fn sources_are_asked_for_level_by_level_and_once() {
    let ask = |sources: &Sources| {
        let context = Context::branch("main");
        let composition = Composition {
            entry: ".gitlab-ci.yml",
            inputs: &IndexMap::new(),
            context: &context,
        };
        match compose(composition, sources) {
            Ok(_) => Vec::new(),
            Err(lacking) => lacking,
        }
    };
    let local = |path: &str| SourceRequest::Local(path.to_owned());
    let sources = Sources::new();
    assert_eq!(ask(&sources), [local(".gitlab-ci.yml")]);
    let entry = "include: [a.yml, /b.yml, ./a.yml, {template: T.gitlab-ci.yml}]\nj: {script: x}";
    let sources = sources.with(".gitlab-ci.yml", entry);
    let template = SourceRequest::Template("T.gitlab-ci.yml".to_owned());
    assert_eq!(
        ask(&sources),
        [local("a.yml"), local("b.yml"), template.clone()]
    );
    let mut sources = sources
        .with("a.yml", "include: c.yml")
        .with("b.yml", "k: {script: y}");
    sources.insert(template, Some(b"t: {script: z}".to_vec()));
    assert_eq!(ask(&sources), [local("c.yml")]);
    let sources = sources.with("c.yml", "c: {script: z}");
    assert_eq!(ask(&sources), []);
}
