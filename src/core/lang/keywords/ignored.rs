//! Keywords that change nothing about what executes: checked, and told to be without effect.

use super::{
    artifacts::expiry,
    codes::IGNORED_KEYWORD,
    field::{Field, Map},
    sink::Sink,
};

const KEYWORDS: [&str; 4] = [
    "pages",
    "publish",
    "dast_configuration",
    "manual_confirmation",
];

/// Checks those a job has.
pub(super) fn check(map: &Map<'_>, sink: &mut Sink<'_>) {
    for key in KEYWORDS {
        let Some(field) = map.get(key) else {
            continue;
        };
        match key {
            "pages" => pages(&field, sink),
            "dast_configuration" => dast_configuration(&field, sink),
            // A mapping is the keyword of publish jobs, a string GitLab's old form of `pages:publish`.
            "publish" if field.node.as_mapping().is_some() => continue,
            _ => {
                field.nonblank(sink);
            }
        }
        let span = map.key_span(key);
        let help = "nothing to do: the job runs as it would without it";
        sink.warning(
            IGNORED_KEYWORD,
            field.path,
            span,
            "has no effect here",
            help,
        );
    }
}

fn pages(field: &Field<'_>, sink: &mut Sink<'_>) {
    if field.node.as_bool().is_some() {
        return;
    }
    let Some(map) = field.map(sink, &["publish", "path_prefix", "expire_in"]) else {
        return;
    };
    optional_texts(&map, &["publish", "path_prefix"], sink);
    if let Some(field) = map.get("expire_in") {
        expiry(&field, sink);
    }
}

fn dast_configuration(field: &Field<'_>, sink: &mut Sink<'_>) {
    let keys = ["site_profile", "scanner_profile"];
    if let Some(map) = field.map(sink, &keys) {
        optional_texts(&map, &keys, sink);
    }
}

fn optional_texts(map: &Map<'_>, keys: &[&str], sink: &mut Sink<'_>) {
    for key in keys {
        if let Some(field) = map.get(key) {
            field.text(sink);
        }
    }
}
