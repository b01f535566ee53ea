//! `trigger`.

use super::{
    codes::{CONFLICTING_KEYWORDS, INVALID_NAME, INVALID_TYPE, INVALID_VALUE, MISSING_KEYWORD},
    field::{Field, Map, one_of},
    sink::Sink,
};
use crate::lang::model::{ChildSource, Strategy, Trigger, TriggerTarget};

const KEYS: &[&str] = &[
    "project", "branch", "include", "strategy", "forward", "inputs",
];
/// Most files of a child pipeline.
const MAX_INCLUDES: usize = 3;
/// The keyword that says where a file comes from, and what may stand beside it.
const SOURCES: &[(&str, &[&str])] = &[
    ("local", &[]),
    ("template", &[]),
    ("artifact", &["job"]),
    ("project", &["file", "ref"]),
    ("component", &[]),
    ("remote", &["integrity", "cache"]),
];

/// `trigger`: a project, or a mapping.
pub(super) fn trigger(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Trigger> {
    if field.node.as_mapping().is_none() {
        if field.node.as_str().is_none() {
            let help = "write `group/project`, or a mapping with `project` or `include`";
            field.refuse_type(sink, "a string or a mapping", help);
            return None;
        }
        let project = project_path(field, sink)?;
        return Some(to_project(project, None));
    }
    let map = field.map(sink, KEYS)?;
    let strategy = map.get("strategy").and_then(|field| {
        let words = [("depend", Strategy::Depend), ("mirror", Strategy::Mirror)];
        field.choice(sink, &words)
    });
    let (yaml, pipeline) = forward(&map, sink);
    if let Some(field) = map.get("inputs") {
        inputs(&field, sink);
    }
    Some(Trigger {
        target: target(&map, sink)?,
        strategy: strategy.unwrap_or_default(),
        forward_yaml_variables: yaml,
        forward_pipeline_variables: pipeline,
    })
}

/// `inputs` of something included: any values, under names of inputs.
pub(super) fn inputs(field: &Field<'_>, sink: &mut Sink<'_>) {
    let Some(map) = field.open_map(sink, "a mapping from names to values") else {
        return;
    };
    for (name, span, field) in map.fields() {
        check_input_name(&field, sink, name, span);
    }
}

/// Reports a name that no input can have.
pub(super) fn check_input_name(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    name: &str,
    span: crate::diag::Span,
) {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(legal) {
        let help = "use letters, digits, `-` and `_`";
        sink.error(
            INVALID_NAME,
            field.path,
            span,
            "is not a name of an input",
            help,
        );
    }
}

fn to_project(project: String, branch: Option<String>) -> Trigger {
    Trigger {
        target: TriggerTarget::Project { project, branch },
        strategy: Strategy::default(),
        forward_yaml_variables: true,
        forward_pipeline_variables: false,
    }
}

fn target(map: &Map<'_>, sink: &mut Sink<'_>) -> Option<TriggerTarget> {
    let branch = map.get("branch").and_then(|field| field.owned(sink));
    match (map.get("project"), map.get("include")) {
        (None, None) => {
            let help = "add `project: group/name` or `include: …`";
            let text = "must have `project` or `include`";
            sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
            None
        }
        (Some(_), Some(include)) => {
            let help = "remove one of them: a job starts one pipeline";
            let text = "must not stand beside `project`";
            let span = map.key_span("include");
            sink.error(CONFLICTING_KEYWORDS, include.path, span, text, help);
            None
        }
        (Some(project), None) => Some(TriggerTarget::Project {
            project: project_path(&project, sink)?,
            branch,
        }),
        (None, Some(include)) => {
            if let Some(branch) = map.get("branch") {
                let help = "remove it: a child pipeline runs for the same commit";
                let text = "is only allowed with `project`";
                branch.refuse(sink, CONFLICTING_KEYWORDS, text, help);
            }
            Some(TriggerTarget::Child(children(&include, sink)?))
        }
    }
}

fn forward(map: &Map<'_>, sink: &mut Sink<'_>) -> (bool, bool) {
    let Some(field) = map.get("forward") else {
        return (true, false);
    };
    let Some(map) = field.map(sink, &["yaml_variables", "pipeline_variables"]) else {
        return (true, false);
    };
    let yaml = map.get("yaml_variables").and_then(|field| field.flag(sink));
    let pipeline = map.get("pipeline_variables");
    let pipeline = pipeline.and_then(|field| field.flag(sink));
    (yaml.unwrap_or(true), pipeline.unwrap_or(false))
}

fn children(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Vec<ChildSource>> {
    let mut items = Vec::new();
    field.flatten_into(sink, 0, &mut items);
    if !field.check_filled(sink, &items) {
        return None;
    }
    field.check_count(sink, items.len(), MAX_INCLUDES);
    Some(items.iter().filter_map(|item| child(item, sink)).collect())
}

fn child(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<ChildSource> {
    if field.node.as_str().is_some() {
        return field.owned(sink).map(ChildSource::Local);
    }
    if field.node.as_mapping().is_none() {
        let text = format!("must hold paths or mappings, not {}", field.node.kind());
        let help = "write `- local: path.yml`";
        field.refuse(sink, INVALID_TYPE, &text, help);
        return None;
    }
    let origin = SOURCES
        .iter()
        .find(|(source, _)| field.node.get(source).is_some());
    let Some((source, beside)) = origin else {
        let names: Vec<&str> = SOURCES.iter().map(|(source, _)| *source).collect();
        let text = format!("must have {}", one_of(&names));
        field.refuse(
            sink,
            MISSING_KEYWORD,
            &text,
            "say where the file comes from",
        );
        return None;
    };
    let keys: Vec<&str> = [*source, "inputs"]
        .into_iter()
        .chain(beside.iter().copied())
        .collect();
    let map = field.map(sink, &keys)?;
    if let Some(field) = map.get("inputs") {
        inputs(&field, sink);
    }
    from_source(source, &map, sink)
}

fn from_source(source: &str, map: &Map<'_>, sink: &mut Sink<'_>) -> Option<ChildSource> {
    let value = map.require(sink, source)?;
    Some(match source {
        "local" => ChildSource::Local(value.owned(sink)?),
        "template" => ChildSource::Template(value.owned(sink)?),
        "component" => ChildSource::Component(value.owned(sink)?),
        "artifact" => {
            let path = value.owned(sink);
            let job = map.require(sink, "job").and_then(|job| job.owned(sink));
            ChildSource::Artifact {
                job: job?,
                path: path?,
            }
        }
        "project" => {
            let project = project_path(&value, sink);
            let files = map.require(sink, "file");
            let files = files.and_then(|files| files.string_or_strings(sink));
            let ref_name = map.get("ref").and_then(|field| field.owned(sink));
            ChildSource::Project {
                project: project?,
                files: files?,
                ref_name,
            }
        }
        _ => ChildSource::Remote(remote(&value, sink)?),
    })
}

fn remote(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let text = field.owned(sink)?;
    let known = ["https://", "http://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    if !known && !text.contains('$') {
        let help = "begin it with `https://`";
        field.refuse(sink, INVALID_VALUE, "must be a URL", help);
        return None;
    }
    Some(text)
}

/// `group/project`, or something with a variable that may become one.
fn project_path(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let text = field.nonblank(sink)?;
    let expands = text.contains('$') && !text.ends_with('$');
    let path = text.contains('/') && !text.starts_with('/') && !text.ends_with('/');
    if text.contains(char::is_whitespace) || !(expands || path) {
        let help = "write it as `group/project`, without a slash at either end";
        field.refuse(sink, INVALID_VALUE, "must be the path of a project", help);
        return None;
    }
    Some(text.to_owned())
}
