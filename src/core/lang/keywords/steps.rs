//! `run` and the `inputs` of a job: checked, not executed.

use super::{
    codes::{CONFLICTING_KEYWORDS, INVALID_NAME, INVALID_TYPE, INVALID_VALUE, MISSING_KEYWORD},
    field::{Field, Map, one_of},
    sink::Sink,
    trigger::check_input_name,
};
use crate::{lang::expr::Pattern, yaml::Value};

const STEP_KEYS: &[&str] = &["name", "script", "step", "func", "action", "env", "inputs"];
/// What a step does; exactly one of them.
const STEP_KINDS: &[&str] = &["script", "step", "func", "action"];
const INPUT_KEYS: &[&str] = &["type", "default", "description", "options", "regex"];
/// Most inputs of a job, and most options of one.
const MAX_INPUTS: usize = 50;

/// `run`: a list of steps.
pub(super) fn run(field: &Field<'_>, sink: &mut Sink<'_>) {
    let items: Vec<Field<'_>> = field.items(sink).into_iter().flatten().collect();
    if field.node.as_sequence().is_some() {
        field.check_filled(sink, &items);
    }
    for item in &items {
        if let Some(map) = item.map(sink, STEP_KEYS) {
            step(&map, sink);
        }
    }
}

fn step(map: &Map<'_>, sink: &mut Sink<'_>) {
    if let Some(name) = map.require(sink, "name") {
        step_name(&name, sink);
    }
    let given: Vec<&&str> = STEP_KINDS
        .iter()
        .filter(|kind| map.get(kind).is_some())
        .collect();
    match given.as_slice() {
        [] => {
            let text = format!("must have {}", one_of(STEP_KINDS));
            let help = "say what the step does";
            sink.error(MISSING_KEYWORD, map.path, map.span, &text, help);
        }
        [_] => {}
        [first, second, ..] => {
            let text = format!("must not have both `{first}` and `{second}`");
            let help = "make two steps of it";
            sink.error(
                CONFLICTING_KEYWORDS,
                map.path,
                map.key_span(second),
                &text,
                help,
            );
        }
    }
    for kind in ["script", "func", "action"] {
        if let Some(field) = map.get(kind) {
            field.nonblank(sink);
        }
    }
    if let Some(field) = map.get("step") {
        step_reference(&field, sink);
    }
    if let Some(field) = map.get("env")
        && let Some(env) = field.open_map(sink, "a mapping from names to strings")
    {
        for (_, _, value) in env.fields() {
            value.scalar(sink);
        }
    }
    if let Some(field) = map.get("inputs") {
        field.open_map(sink, "a mapping from names to values");
        if map.get("script").is_some() {
            let text = "is not allowed in a step with `script`";
            let help = "hand values to a script through `env`";
            let span = map.key_span("inputs");
            sink.error(CONFLICTING_KEYWORDS, field.path, span, text, help);
        }
    }
}

fn step_name(field: &Field<'_>, sink: &mut Sink<'_>) {
    let Some(name) = field.nonblank(sink) else {
        return;
    };
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !first || !name.chars().all(legal) {
        let help = "use letters, digits and underscores, a letter first";
        field.refuse(sink, INVALID_NAME, "is not a name of a step", help);
    }
}

/// A path or URL, or where to find it in Git or in a registry.
fn step_reference(field: &Field<'_>, sink: &mut Sink<'_>) {
    if field.node.as_mapping().is_none() {
        if field.node.as_str().is_none() {
            let help = "write the step's path or address, or a mapping with `git` or `oci`";
            field.refuse_type(sink, "a string or a mapping", help);
        }
        field.node.as_str().and_then(|_| field.nonblank(sink));
        return;
    }
    let Some(map) = field.map(sink, &["git", "oci"]) else {
        return;
    };
    let forms: [(&str, &[&str], &[&str]); 2] = [
        ("git", &["url", "rev", "dir", "file"], &["url", "rev"]),
        (
            "oci",
            &["registry", "repository", "tag", "dir", "file"],
            &["registry", "repository", "tag"],
        ),
    ];
    if map.get("git").is_none() && map.get("oci").is_none() {
        let text = "must have `git` or `oci`";
        let help = "say where the step comes from";
        sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
    }
    for (form, keys, required) in forms {
        if let Some(field) = map.get(form)
            && let Some(map) = field.map(sink, keys)
        {
            for key in required {
                map.require(sink, key);
            }
            for key in keys {
                map.get(key).and_then(|field| field.scalar(sink));
            }
        }
    }
}

/// `inputs` of a job.
pub(super) fn job_inputs(field: &Field<'_>, sink: &mut Sink<'_>) {
    let Some(map) = field.open_map(sink, "a mapping from names to inputs") else {
        return;
    };
    field.check_count(sink, map.len(), MAX_INPUTS);
    for (name, span, field) in map.fields() {
        check_input_name(&field, sink, name, span);
        if let Some(map) = field.map(sink, INPUT_KEYS) {
            input(&map, sink);
        }
    }
}

fn input(map: &Map<'_>, sink: &mut Sink<'_>) {
    let words = [
        ("string", "string"),
        ("number", "number"),
        ("boolean", "boolean"),
        ("array", "array"),
    ];
    let kind = map
        .get("type")
        .map_or(Some("string"), |field| field.choice(sink, &words));
    if let Some(field) = map.get("description") {
        field.text(sink);
    }
    let Some(kind) = kind else {
        return;
    };
    if let Some(default) = map.require(sink, "default") {
        check_kind(&default, sink, kind);
    }
    if let Some(field) = map.get("options") {
        options(map, &field, kind, sink);
    }
    if let Some(field) = map.get("regex") {
        regex(map, &field, kind, sink);
    }
}

fn is_kind(field: &Field<'_>, kind: &str) -> bool {
    matches!(
        (kind, field.node.value()),
        ("string", Value::String(_))
            | ("number", Value::Int(_) | Value::Float(_))
            | ("boolean", Value::Bool(_))
            | ("array", Value::Sequence(_))
    )
}

fn check_kind(field: &Field<'_>, sink: &mut Sink<'_>, kind: &str) {
    if !is_kind(field, kind) {
        let text = format!("must be of the type {kind}, not {}", field.node.kind());
        let help = "change the value, or `type`, which is `string` where it is missing";
        field.refuse(sink, INVALID_TYPE, &text, help);
    }
}

fn options(map: &Map<'_>, field: &Field<'_>, kind: &str, sink: &mut Sink<'_>) {
    let items: Vec<Field<'_>> = field.items(sink).into_iter().flatten().collect();
    field.check_filled(sink, &items);
    field.check_count(sink, items.len(), MAX_INPUTS);
    for item in &items {
        check_kind(item, sink, kind);
    }
    if let Some(default) = map.get("default")
        && !items.is_empty()
        && is_kind(&default, kind)
        && !items.iter().any(|item| item.node == default.node)
    {
        let help = "choose one of the options, or add it to them";
        default.refuse(sink, INVALID_VALUE, "must be one of the `options`", help);
    }
}

fn regex(map: &Map<'_>, field: &Field<'_>, kind: &str, sink: &mut Sink<'_>) {
    if kind != "string" {
        let text = "is only allowed for inputs of the type string";
        field.refuse(sink, CONFLICTING_KEYWORDS, text, "remove it");
        return;
    }
    let Some(text) = field.nonblank(sink) else {
        return;
    };
    let slashed = format!("/{}/", text.replace('/', "\\/"));
    if !field.check_pattern(sink, &slashed) {
        return;
    }
    let default = map.get("default");
    let value = default.as_ref().and_then(|field| field.node.as_str());
    if let (Some(default), Some(value), Ok(pattern)) = (default, value, Pattern::parse(&slashed))
        && !pattern.is_match(value)
    {
        let help = "change the default or the expression";
        default.refuse(sink, INVALID_VALUE, "must match `regex`", help);
    }
}
