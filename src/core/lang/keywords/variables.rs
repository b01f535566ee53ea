//! `variables`, wherever they are declared.

pub(super) use crate::lang::model::Variables;

use super::{
    codes::{INVALID_NAME, INVALID_VALUE, KEYWORD_NOT_ALLOWED, MISSING_KEYWORD},
    field::{Field, Map, shown},
    sink::Sink,
};
use crate::{
    diag::Span,
    hash::State,
    lang::model::{Spanned, VariableDecl},
};

const KEYS: &[&str] = &["value", "description", "options", "expand"];

/// Where variables are declared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// At the top: with descriptions and options for a start by hand.
    Global,
    /// In a job, a rule or a service.
    Job,
}

/// A mapping from names to values.
pub(super) fn parse(field: &Field<'_>, sink: &mut Sink<'_>, level: Level) -> Variables {
    let Some(map) = field.open_map(sink, "a mapping from names to values") else {
        return Variables::default();
    };
    let mut out = Variables::with_capacity_and_hasher(map.len(), State::default());
    for (name, name_span, field) in map.fields() {
        check_name(&field, sink, name, name_span);
        if let Some(variable) = variable(&field, sink, level, name_span) {
            out.insert(name.to_owned(), variable);
        }
    }
    out
}

/// Reports a name that no shell could export.
pub(super) fn check_name(field: &Field<'_>, sink: &mut Sink<'_>, name: &str, span: Span) {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(legal) {
        let text = "is not a variable name";
        let help = "use letters, digits and underscores";
        sink.error(INVALID_NAME, field.path, span, text, help);
    }
}

fn variable(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    level: Level,
    name_span: Span,
) -> Option<VariableDecl> {
    let mut out = VariableDecl {
        value: Spanned::new(String::new(), field.span()),
        name_span,
        raw: false,
        description: None,
        options: Vec::new(),
    };
    if field.node.is_null() {
        return Some(out);
    }
    if field.node.as_mapping().is_none() {
        out.value.value = plain(field, sink)?;
        return Some(out);
    }
    let map = field.map(sink, KEYS)?;
    if let Some(value) = map.get("value") {
        out.value = Spanned::new(value.scalar(sink)?, value.span());
    }
    out.raw = map
        .get("expand")
        .and_then(|expand| expand.flag(sink))
        .is_some_and(|expand| !expand);
    if level == Level::Job {
        refuse_prefill(&map, sink);
        return Some(out);
    }
    let description = map.get("description");
    out.description = description.and_then(|text| text.text(sink).map(str::to_owned));
    if let Some(options) = map.get("options") {
        out.options = choices(&options, sink);
        check_choice(&map, &out, sink);
    }
    Some(out)
}

fn plain(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let text = field.node.to_text();
    if text.is_none() {
        let wanted = "a string, a number, a boolean or a mapping with `value`";
        let help =
            "a variable holds one text; a list needs a text of its own, joined by spaces or commas";
        field.refuse_type(sink, wanted, help);
    }
    text.map(Into::into)
}

fn refuse_prefill(map: &Map<'_>, sink: &mut Sink<'_>) {
    for key in ["description", "options"] {
        if map.get(key).is_some() {
            let path = map.path.child(key);
            let text = "is only allowed for global variables";
            let help = "move the variable to the top level, or remove the keyword";
            sink.error(KEYWORD_NOT_ALLOWED, path, map.key_span(key), text, help);
        }
    }
}

fn choices(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    let items: Vec<Field<'_>> = field.items(sink).into_iter().flatten().collect();
    let choices: Vec<String> = items
        .iter()
        .filter_map(|item| item.text(sink).map(str::to_owned))
        .collect();
    field.check_filled(sink, &choices);
    choices
}

fn check_choice(map: &Map<'_>, variable: &VariableDecl, sink: &mut Sink<'_>) {
    if variable.options.is_empty() || variable.options.contains(&variable.value.value) {
        return;
    }
    let help = format!(
        "set `value` to one of: {}",
        shown(&variable.options.join(", "))
    );
    if map.get("value").is_none() {
        let text = "must have `value`, because it has `options`";
        sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
    } else {
        let path = map.path.child("value");
        let text = "must be one of the `options`";
        sink.error(INVALID_VALUE, path, variable.value.span, text, help);
    }
}
