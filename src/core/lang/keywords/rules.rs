//! `rules` of jobs and of `workflow`.

use super::{
    codes::{BLANK_VALUE, INVALID_TYPE, MISSING_KEYWORD, SUSPICIOUS},
    condition::{expression, patterns},
    field::{Field, Map},
    needs, schedule,
    sink::Sink,
    variables::{self, Level},
    workflow,
};
use crate::lang::model::{Changes, Exists, Rule, RuleWhen, Spanned, Unsupported};

const JOB_KEYS: &[&str] = &[
    "if",
    "changes",
    "exists",
    "when",
    "start_in",
    "allow_failure",
    "variables",
    "needs",
    "interruptible",
];
const WORKFLOW_KEYS: &[&str] = &[
    "if",
    "changes",
    "exists",
    "when",
    "variables",
    "auto_cancel",
];

/// `rules` of a job; what can't be executed is added to `unsupported`.
pub(super) fn job_rules(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    unsupported: &mut Vec<Unsupported>,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for item in entries(field, sink) {
        let Some(map) = entry(&item, sink, JOB_KEYS) else {
            continue;
        };
        let mut rule = Rule {
            span: item.span(),
            ..Rule::default()
        };
        conditions(&map, &mut rule, sink, unsupported);
        rule.when = map
            .get("when")
            .and_then(|field| schedule::when(&field, sink));
        rule.start_in = schedule::start_in(&map, rule.when.as_ref(), sink);
        if let Some(field) = map.get("allow_failure") {
            rule.allow_failure = schedule::allow_failure(&field, sink);
        }
        // A blank `needs` would silently keep the job's own.
        if let Some(field) = map.present("needs") {
            rule.needs = needs::job_needs(&field, sink, unsupported);
        }
        let interruptible = map.get("interruptible");
        rule.interruptible = interruptible.and_then(|field| field.flag(sink));
        rules.push(rule);
    }
    rules
}

/// `workflow:rules`.
pub(super) fn workflow_rules(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for item in entries(field, sink) {
        let Some(map) = entry(&item, sink, WORKFLOW_KEYS) else {
            continue;
        };
        let mut rule = Rule {
            span: item.span(),
            ..Rule::default()
        };
        conditions(&map, &mut rule, sink, &mut Vec::new());
        rule.when = map.get("when").and_then(|field| {
            let words = [
                ("always", RuleWhen::Run(crate::plan::When::Always)),
                ("never", RuleWhen::Never),
            ];
            let when = field.choice(sink, &words)?;
            Some(Spanned::new(when, field.span()))
        });
        let auto_cancel = map.get("auto_cancel");
        rule.auto_cancel = auto_cancel.map(|field| workflow::auto_cancel(&field, sink));
        rules.push(rule);
    }
    rules
}

fn entries<'a>(field: &Field<'a>, sink: &mut Sink<'_>) -> Vec<Field<'a>> {
    let Some(items) = field.flat_items(sink) else {
        return Vec::new();
    };
    if items.is_empty() {
        let help = "write at least one rule, or `rules: null` for none";
        field.refuse(sink, BLANK_VALUE, "must not be blank", help);
    }
    items
}

fn entry<'a>(item: &Field<'a>, sink: &mut Sink<'_>, keys: &[&str]) -> Option<Map<'a>> {
    if item.node.as_mapping().is_none() {
        let text = format!("must hold mappings, not {}", item.node.kind());
        let help = "write each rule as `- if: …`, `- changes: …`, `- exists: …` or `- when: …`";
        item.refuse(sink, INVALID_TYPE, &text, help);
        return None;
    }
    let map = item.map(sink, keys)?;
    if map.len() == 0 {
        let help = "write `- when: …` for a rule that always matches";
        item.refuse(sink, BLANK_VALUE, "must not hold an empty rule", help);
    }
    Some(map)
}

fn conditions(
    map: &Map<'_>,
    rule: &mut Rule,
    sink: &mut Sink<'_>,
    unsupported: &mut Vec<Unsupported>,
) {
    let condition = map.present("if");
    rule.condition = condition.and_then(|field| expression(&field, sink));
    let changed = map.present("changes");
    rule.changes = changed.and_then(|field| changes(&field, sink, unsupported));
    let existing = map.present("exists");
    rule.exists = existing.and_then(|field| exists(&field, sink, unsupported));
    if let Some(field) = map.get("variables") {
        rule.variables = variables::parse(&field, sink, Level::Job);
    }
}

fn changes(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    unsupported: &mut Vec<Unsupported>,
) -> Option<Changes> {
    if field.node.as_mapping().is_none() {
        let paths = patterns(field, sink);
        return Some(Changes {
            paths,
            compare_to: None,
        });
    }
    let map = field.map(sink, &["paths", "compare_to", "regexp"])?;
    let compare_to = map.get("compare_to").and_then(|field| field.spanned(sink));
    Some(Changes {
        paths: paths_or_regexp(&map, sink, unsupported),
        compare_to,
    })
}

fn exists(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    unsupported: &mut Vec<Unsupported>,
) -> Option<Exists> {
    if field.node.as_mapping().is_none() {
        let paths = match field.node.as_str() {
            Some(_) => one_path(field, sink),
            None => patterns(field, sink),
        };
        return Some(Exists {
            paths,
            project: None,
            ref_name: None,
        });
    }
    let map = field.map(sink, &["paths", "project", "ref", "regexp"])?;
    let project = map.get("project").and_then(|field| field.spanned(sink));
    let ref_name = map.get("ref").and_then(|field| field.spanned(sink));
    if ref_name.is_some() && map.get("project").is_none() {
        let text = "must have `project`, because it has `ref`";
        let help = "add `project: group/name`, or remove `ref`";
        sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
    }
    Some(Exists {
        paths: paths_or_regexp(&map, sink, unsupported),
        project,
        ref_name,
    })
}

/// A pattern without its list. GitLab takes it and means to stop doing so.
fn one_path(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Spanned<String>> {
    let path = field.spanned(sink);
    if path.is_some() {
        let text = "should be a list";
        let help = field.listing_help();
        sink.warning(SUSPICIOUS, field.path, field.span(), text, help);
    }
    path.into_iter().collect()
}

fn paths_or_regexp(
    map: &Map<'_>,
    sink: &mut Sink<'_>,
    unsupported: &mut Vec<Unsupported>,
) -> Vec<Spanned<String>> {
    let Some(regexp) = map.get("regexp") else {
        let paths = map.require(sink, "paths");
        return paths.map_or_else(Vec::new, |field| patterns(&field, sink));
    };
    regexp.nonblank(sink);
    unsupported.push(Spanned::new("rules:regexp".into(), map.key_span("regexp")));
    map.get("paths")
        .map_or_else(Vec::new, |field| patterns(&field, sink))
}
