//! `artifacts`.

use super::{
    codes::{CONFLICTING_KEYWORDS, INVALID_VALUE, MISSING_KEYWORD},
    field::{Field, Map},
    list::values,
    sink::Sink,
};
use crate::plan::{Artifacts, Expiry, Reports, StoreWhen};

const KEYS: &[&str] = &[
    "paths",
    "exclude",
    "untracked",
    "name",
    "when",
    "expire_in",
    "expose_as",
    "public",
    "access",
    "reports",
];
pub(super) const STORE_WHEN: &[(&str, StoreWhen)] = &[
    ("on_success", StoreWhen::OnSuccess),
    ("on_failure", StoreWhen::OnFailure),
    ("always", StoreWhen::Always),
];
const ACCESS: &[(&str, ())] = &[
    ("none", ()),
    ("developer", ()),
    ("maintainer", ()),
    ("all", ()),
];
const REPORTS: &[&str] = &[
    "accessibility",
    "annotations",
    "api_fuzzing",
    "browser_performance",
    "cluster_image_scanning",
    "codequality",
    "container_scanning",
    "coverage_fuzzing",
    "coverage_report",
    "cyclonedx",
    "dast",
    "dependency_scanning",
    "dotenv",
    "junit",
    "license_scanning",
    "load_performance",
    "lsif",
    "metrics",
    "performance",
    "repository_xray",
    "requirements",
    "requirements_v2",
    "sarif",
    "sast",
    "secret_detection",
    "terraform",
];
const COVERAGE_FORMATS: &[(&str, &str)] = &[("cobertura", "cobertura"), ("jacoco", "jacoco")];
/// Longest text of `expose_as`, in characters.
const MAX_EXPOSE_AS: usize = 100;

/// `artifacts`.
pub(super) fn artifacts(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Artifacts> {
    let map = field.map(sink, KEYS)?;
    let mut out = Artifacts::default();
    if let Some(field) = map.get("paths") {
        out.paths = values(field.flat_texts(sink).unwrap_or_default());
    }
    if let Some(field) = map.get("exclude") {
        out.exclude = values(field.flat_texts(sink).unwrap_or_default());
    }
    if let Some(field) = map.get("untracked") {
        out.untracked = field.flag(sink).unwrap_or_default();
    }
    out.name = map.get("name").and_then(|field| field.owned(sink));
    if let Some(field) = map.get("when") {
        out.when = field.choice(sink, STORE_WHEN).unwrap_or_default();
    }
    out.expire_in = map.get("expire_in").and_then(|field| expiry(&field, sink));
    if let Some(field) = map.get("reports") {
        out.reports = reports(&field, sink);
    }
    exposure(&map, &out.paths, sink);
    visibility(&map, sink);
    Some(out)
}

/// A duration, or `never`.
pub(super) fn expiry(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Expiry> {
    if field.node.as_str() == Some("never") {
        return Some(Expiry::Never);
    }
    field.duration(sink, None).map(Expiry::After)
}

fn exposure(map: &Map<'_>, paths: &[String], sink: &mut Sink<'_>) {
    let Some(field) = map.get("expose_as") else {
        return;
    };
    let Some(text) = field.short(sink, MAX_EXPOSE_AS) else {
        return;
    };
    let legal = |c: char| c.is_alphanumeric() || " -_".contains(c);
    if !text.chars().all(legal) {
        let help = "use letters, digits, spaces, `-` and `_`";
        field.refuse(sink, INVALID_VALUE, "is not a plain text", help);
    }
    if paths.is_empty() && map.get("paths").is_none() {
        let text = "must have `paths`, because it has `expose_as`";
        let help = "add `paths: […]`, or remove `expose_as`";
        sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
    }
    if paths.iter().any(|path| path.contains(['*', '$'])) {
        let text = "needs `paths` without `*` and without variables";
        let help = "write the paths out, or remove `expose_as`";
        field.refuse(sink, CONFLICTING_KEYWORDS, text, help);
    }
}

fn visibility(map: &Map<'_>, sink: &mut Sink<'_>) {
    if let Some(access) = map.get("access") {
        access.choice(sink, ACCESS);
    }
    let Some(public) = map.get("public") else {
        return;
    };
    public.flag(sink);
    if map.get("access").is_some() {
        let text = "must not stand beside `access`";
        let help = "remove `public`: `access: all` is `public: true`, `access: developer` is `public: false`";
        let span = map.key_span("public");
        sink.error(CONFLICTING_KEYWORDS, public.path, span, text, help);
    }
}

fn reports(field: &Field<'_>, sink: &mut Sink<'_>) -> Reports {
    let mut out = Reports::default();
    let Some(map) = field.map(sink, REPORTS) else {
        return out;
    };
    for (kind, _, field) in map.fields() {
        if !REPORTS.contains(&kind) {
            continue;
        }
        let (kind, files) = match kind {
            "coverage_report" => coverage_report(&field, sink),
            _ => (kind, field.string_or_strings(sink).unwrap_or_default()),
        };
        match kind {
            "dotenv" => out.dotenv = files,
            _ if files.is_empty() => {}
            _ => {
                out.files.insert(kind.to_owned(), files);
            }
        }
    }
    out
}

/// `coverage_report`: its format, which is the report's type on the runner's wire, and its file. A null one, which drops
/// what was inherited, is none.
fn coverage_report(field: &Field<'_>, sink: &mut Sink<'_>) -> (&'static str, Vec<String>) {
    let none = ("coverage_report", Vec::new());
    if field.node.is_null() {
        return none;
    }
    let Some(map) = field.map(sink, &["coverage_format", "path"]) else {
        return none;
    };
    let format = map
        .require(sink, "coverage_format")
        .and_then(|field| field.choice(sink, COVERAGE_FORMATS));
    let path = map.require(sink, "path");
    let path = path.and_then(|field| field.owned(sink));
    (format.unwrap_or(none.0), path.into_iter().collect())
}
