//! The top level: global keywords, and everything else a job.

use std::collections::BTreeSet;

use super::{
    codes::{
        BLANK_VALUE, CONFLICTING_KEYWORDS, INVALID_TYPE, KEYWORD_NOT_ALLOWED, LIMIT_EXCEEDED,
        NO_JOBS, RESERVED_NAME,
    },
    default,
    field::{Field, Map, Path},
    job, kind,
    sink::Sink,
    stages, variables, workflow,
};
use crate::{
    diag::{Diagnostic, Span, did_you_mean},
    lang::{
        keys::{GLOBAL, TOP_DEFAULTS, is_global},
        model::{Pipeline, Spanned},
    },
    yaml::Node,
};

/// Names that GitLab keeps for itself.
const RESERVED: &[&str] = &["true", "false", "nil", "pages:deploy"];
/// Longest name of a job, in characters.
const MAX_NAME: usize = 255;

/// The whole file.
pub(super) fn pipeline(root: &Node, sink: &mut Sink<'_>) -> Pipeline {
    let mut out = Pipeline::default();
    let top = Field {
        path: Path::TOP,
        node: root,
    };
    if root.as_mapping().is_none() {
        let text = format!("the pipeline must be a mapping, not {}", root.kind());
        let help = "write keywords and jobs as `name: …`";
        let found = Diagnostic::error(INVALID_TYPE, root.span(), text.clone()).with_help(help);
        sink.add(&text, found);
        return out;
    }
    let Some(map) = top.open_map(sink, "a mapping") else {
        return out;
    };
    globals(&map, &mut out, sink);
    out.jobs.reserve(map.len());
    let defaults = default_places(&map);
    let prefix = Path::TOP;
    let prefix = prefix.child("jobs");
    for (name, span, field) in map.fields() {
        if is_global(name, field.node) || name.starts_with('.') {
            continue;
        }
        let field = Field {
            path: prefix.child(name),
            node: field.node,
        };
        check_name(&field, name, span, sink);
        if field.node.as_mapping().is_none() {
            refuse_scalar(&field, name, sink);
        }
        let name = Spanned::new(name.to_owned(), span);
        let job = job::job(name.clone(), &field, sink, &defaults);
        out.jobs.insert(name.value, job);
    }
    out.stages = stages::stages(map.get("stages").as_ref(), &out.jobs, sink);
    if out.jobs.is_empty() {
        let text = "the pipeline must have at least one job that isn't hidden";
        let help = "add a job with `script`; names that begin with a dot are templates";
        let found = Diagnostic::error(NO_JOBS, start_of(root.span()), text).with_help(help);
        sink.add(text, found);
    }
    out
}

fn globals(map: &Map<'_>, out: &mut Pipeline, sink: &mut Sink<'_>) {
    if let Some(field) = map.get("variables") {
        out.variables = variables::parse(&field, sink, variables::Level::Global);
    }
    if let Some(field) = map.get("workflow") {
        out.workflow = workflow::workflow(&field, sink);
    }
    if let Some(field) = map.get("default") {
        default::check(&field, sink);
    }
    let mut shared = default::Shared::default();
    for key in TOP_DEFAULTS {
        if let Some(field) = map.get(key).filter(|field| is_global(key, field.node)) {
            default::read_one(&mut shared, map, key, &field, sink);
            refuse_twice(map, key, sink);
        }
    }
    if let Some(field) = map.get("spec") {
        let text = "belongs into the header of the file";
        let help = "put it first, and a line `---` behind it";
        let span = map.key_span("spec");
        sink.error(KEYWORD_NOT_ALLOWED, field.path, span, text, help);
    }
}

fn refuse_twice(map: &Map<'_>, key: &str, sink: &mut Sink<'_>) {
    let Some(default) = map.get("default") else {
        return;
    };
    let Some(other) = default.node.as_mapping().and_then(|map| map.entry(key)) else {
        return;
    };
    let text = "stands both at the top level and in `default`";
    let message = format!("{key} {text}");
    let found = Diagnostic::error(CONFLICTING_KEYWORDS, map.key_span(key), message)
        .with_label(other.key_span, "in `default`")
        .with_help("remove the one at the top level");
    sink.add(text, found);
}

/// Where the keywords stand that composition hands on to the jobs.
fn default_places(map: &Map<'_>) -> BTreeSet<Span> {
    let default = map.get("default");
    let inner = default.iter().filter_map(|field| field.node.as_mapping());
    let inner = inner.flat_map(|map| map.iter().map(|(_, entry)| entry.key_span));
    let outer = map.keys().filter(|(key, _)| TOP_DEFAULTS.contains(key));
    inner.chain(outer.map(|(_, span)| span)).collect()
}

fn check_name(field: &Field<'_>, name: &str, span: Span, sink: &mut Sink<'_>) {
    let length = name.chars().count();
    if name.trim().is_empty() {
        let help = "give the job a name";
        sink.error(
            BLANK_VALUE,
            field.path,
            span,
            "must not have a blank name",
            help,
        );
    } else if length > MAX_NAME {
        let text = format!("has a name longer than {MAX_NAME} characters");
        sink.error(
            LIMIT_EXCEEDED,
            field.path,
            span,
            &text,
            "choose a shorter one",
        );
    } else if RESERVED.contains(&name) {
        let text = "is not a possible name of a job";
        sink.error(RESERVED_NAME, field.path, span, text, "choose another name");
    }
}

/// A top-level key with a value that can't be a job is more often a misplaced or misspelt keyword.
fn refuse_scalar(field: &Field<'_>, name: &str, sink: &mut Sink<'_>) {
    if sink.is_full() {
        return field.refuse_type(sink, "a mapping with a job's keywords", "");
    }
    let help = if kind::job_keywords().contains(&name) {
        format!("move `{name}` into a job")
    } else if let Some(near) = did_you_mean(name, GLOBAL.iter().copied()) {
        format!("did you mean `{near}`?")
    } else {
        "write the job's keywords below it, or begin the name with a dot".to_owned()
    };
    field.refuse_type(sink, "a mapping with a job's keywords", help);
}

/// The point where a place begins.
const fn start_of(span: Span) -> Span {
    Span {
        end: span.start,
        ..span
    }
}
