//! `environment`.

use super::{
    codes::{INVALID_NAME, INVALID_VALUE, LIMIT_EXCEEDED},
    field::{Field, Map},
    sink::Sink,
};
use crate::{
    lang::model::{Environment, Spanned, Unsupported},
    plan::EnvironmentAction,
};

const KEYS: &[&str] = &[
    "name",
    "url",
    "on_stop",
    "action",
    "auto_stop_in",
    "deployment_tier",
    "kubernetes",
];
const ACTIONS: &[(&str, EnvironmentAction)] = &[
    ("start", EnvironmentAction::Start),
    ("prepare", EnvironmentAction::Prepare),
    ("stop", EnvironmentAction::Stop),
    ("verify", EnvironmentAction::Verify),
    ("access", EnvironmentAction::Access),
];
const TIERS: &[(&str, ())] = &[
    ("production", ()),
    ("staging", ()),
    ("testing", ()),
    ("development", ()),
    ("other", ()),
];
/// Longest name and longest URL, in characters.
const MAX_LENGTH: usize = 255;

/// `environment`: a name, or a mapping with one.
pub(super) fn environment(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    unsupported: &mut Vec<Unsupported>,
) -> Option<Environment> {
    if field.node.as_mapping().is_none() {
        if field.node.as_str().is_none() {
            let help = "write the environment's name, or a mapping with `name`";
            field.refuse_type(sink, "a string or a mapping", help);
            return None;
        }
        return Some(named(name(field, sink)?));
    }
    let map = field.map(sink, KEYS)?;
    let rest = details(&map, sink);
    if let Some(kubernetes) = map.get("kubernetes") {
        cluster(&kubernetes, sink);
        let span = map.key_span("kubernetes");
        unsupported.push(Spanned::new("environment:kubernetes".into(), span));
    }
    Some(Environment {
        name: name(&map.require(sink, "name")?, sink)?,
        ..rest
    })
}

fn named(name: Spanned<String>) -> Environment {
    Environment {
        name,
        url: None,
        action: EnvironmentAction::Start,
        on_stop: None,
        auto_stop_in: None,
        tier: None,
    }
}

/// Everything but the name.
fn details(map: &Map<'_>, sink: &mut Sink<'_>) -> Environment {
    let mut out = named(Spanned::new(String::new(), map.span));
    out.url = map.get("url").and_then(|field| url(&field, sink));
    out.on_stop = map.get("on_stop").and_then(|field| field.spanned(sink));
    out.action = map
        .get("action")
        .and_then(|field| field.choice(sink, ACTIONS))
        .unwrap_or_default();
    out.auto_stop_in = map.get("auto_stop_in").and_then(|field| {
        if !expands(&field) {
            field.duration(sink, None)?;
        }
        Some(Spanned::new(field.scalar(sink)?, field.span()))
    });
    out.tier = map.get("deployment_tier").and_then(|field| {
        if !expands(&field) {
            field.choice(sink, TIERS)?;
        }
        field.spanned(sink)
    });
    out
}

fn name(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Spanned<String>> {
    let text = field.short(sink, MAX_LENGTH)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || " -_/{}$.".contains(c);
    if !text.chars().all(legal) {
        let help = "use letters, digits, spaces and `-_/{}$.`";
        field.refuse(sink, INVALID_NAME, "is not a name of an environment", help);
        return None;
    }
    field.spanned(sink)
}

fn url(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Spanned<String>> {
    let text = field.nonblank(sink)?;
    if text.chars().count() > MAX_LENGTH {
        let message = format!("is longer than {MAX_LENGTH} characters");
        field.refuse(sink, LIMIT_EXCEEDED, &message, "use a shorter one");
    }
    let absolute = text.starts_with("http://") || text.starts_with("https://");
    if !absolute && !expands(field) {
        let help = "begin it with `https://`, `http://` or a variable";
        field.refuse(sink, INVALID_VALUE, "must be a URL", help);
    }
    field.spanned(sink)
}

/// The agent of a cluster; only checked.
fn cluster(field: &Field<'_>, sink: &mut Sink<'_>) {
    let keys = [
        "agent",
        "namespace",
        "flux_resource_path",
        "managed_resources",
        "dashboard",
    ];
    let Some(map) = field.map(sink, &keys) else {
        return;
    };
    texts(&map, &["agent", "namespace", "flux_resource_path"], sink);
    if let Some(managed) = map.get("managed_resources")
        && let Some(managed) = managed.map(sink, &["enabled"])
        && let Some(enabled) = managed.get("enabled")
    {
        enabled.flag(sink);
    }
    let keys = ["namespace", "flux_resource_path"];
    if let Some(dashboard) = map.get("dashboard")
        && let Some(dashboard) = dashboard.map(sink, &keys)
    {
        texts(&dashboard, &keys, sink);
    }
}

fn texts(map: &Map<'_>, keys: &[&str], sink: &mut Sink<'_>) {
    for key in keys {
        if let Some(field) = map.get(key) {
            field.nonblank(sink);
        }
    }
}

/// Whether variables decide what the value is.
fn expands(field: &Field<'_>) -> bool {
    field.node.as_str().is_some_and(|text| text.contains('$'))
}
