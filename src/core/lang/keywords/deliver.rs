//! `index` and `publish`: jobs that deliver what others built (design section 4).

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{
    codes::{CONFLICTING_KEYWORDS, DUPLICATE_VALUE, INVALID_TYPE, INVALID_VALUE, MISSING_KEYWORD},
    field::{Field, shown},
    list::values,
    sink::Sink,
};
use crate::{
    diag::Span,
    lang::model::{Index, Publish, Spanned},
    plan::{ConflictPolicy, IndexSource, IndexSpec, PublishSpec, Require},
    platform::Platform,
};

const INDEX_KEYS: &[&str] = &[
    "image",
    "from",
    "platforms",
    "annotations",
    "tags",
    "copy_to",
];
const PUBLISH_KEYS: &[&str] = &["python", "to", "primary", "require", "on_conflict"];
/// Longest tag, in characters (OCI distribution-spec 1.1, "pulling manifests").
const MAX_TAG: usize = 128;

/// `index`.
pub(super) fn index(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Index> {
    let map = field.map(sink, INDEX_KEYS)?;
    let image = map.require(sink, "image");
    let image = image.map_or_else(Vec::new, |field| references(&field, sink));
    let from = map.require(sink, "from");
    let from = from.map_or_else(Vec::new, |field| sources(&field, sink));
    let platforms = map.get("platforms");
    let platforms = platforms.map_or_else(Vec::new, |field| platforms_of(&field, sink));
    let annotations = map.get("annotations");
    let annotations = annotations.map_or_else(IndexMap::new, |field| annotations_of(&field, sink));
    // An empty list is none: a template's input that was left at its default.
    let some = |key| {
        map.get(key).filter(|field| {
            field
                .node
                .as_sequence()
                .is_none_or(|items| !items.is_empty())
        })
    };
    let tags = some("tags").map_or_else(Vec::new, |field| tags(&field, sink));
    let copy_to = some("copy_to");
    let copy_to = copy_to.map_or_else(Vec::new, |field| values(distinct(&field, sink)));
    let (from, from_spans) = from.into_iter().unzip();
    Some(Index {
        spec: IndexSpec {
            image,
            from,
            platforms,
            annotations,
            tags,
            copy_to,
        },
        span: field.span(),
        from_spans,
    })
}

/// `publish` as a mapping.
pub(super) fn publish(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Publish> {
    let map = field.map(sink, PUBLISH_KEYS)?;
    let python = map.require(sink, "python");
    let python = python.and_then(|field| {
        let globs = field.string_or_strings(sink)?;
        field.check_filled(sink, &globs).then_some(globs)
    });
    let to = map.require(sink, "to");
    let to = to.map_or_else(Vec::new, |field| values(distinct(&field, sink)));
    let primary = map.get("primary");
    let primary = primary.and_then(|field| {
        let name = field.owned(sink)?;
        if !to.is_empty() && !to.contains(&name) {
            let help = format!("choose one of them: {}", shown(&to.join(", ")));
            field.refuse(sink, INVALID_VALUE, "must be one of `to`", help);
        }
        Some(name)
    });
    let require = map
        .get("require")
        .and_then(|field| require(&field, sink, to.len()));
    let on_conflict = map.get("on_conflict").and_then(|field| {
        let words = [
            ("fail", ConflictPolicy::Fail),
            ("skip", ConflictPolicy::Skip),
        ];
        field.choice(sink, &words)
    });
    Some(Publish {
        spec: PublishSpec {
            python: python?,
            to,
            primary,
            require: require.unwrap_or_default(),
            on_conflict: on_conflict.unwrap_or_default(),
        },
        span: field.span(),
    })
}

fn references(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    let names = distinct(field, sink);
    for name in &names {
        check_reference(field, sink, name);
    }
    values(names)
}

fn check_reference(field: &Field<'_>, sink: &mut Sink<'_>, name: &Spanned<String>) {
    if name.value.contains(char::is_whitespace) {
        let help = "write it like `registry.example.com/group/image:tag` or `oci:path:tag`";
        let text = "must not hold spaces";
        sink.error(INVALID_VALUE, field.path, name.span, text, help);
    }
}

fn sources(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<(IndexSource, Span)> {
    let mut items = Vec::new();
    field.flatten_into(sink, 0, &mut items);
    field.check_filled(sink, &items);
    items
        .iter()
        .filter_map(|item| Some((source(item, sink)?, item.span())))
        .collect()
}

fn source(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<IndexSource> {
    if field.node.as_mapping().is_none() {
        if field.node.as_str().is_none() {
            let text = format!(
                "must hold references or mappings, not {}",
                field.node.kind()
            );
            let help = "write a reference, `{job: …, digest_file: …}` or `{job: …, layout: …}`";
            field.refuse(sink, INVALID_TYPE, &text, help);
            return None;
        }
        let name = field.spanned(sink)?;
        check_reference(field, sink, &name);
        return Some(IndexSource::Reference(name.value));
    }
    let map = field.map(sink, &["job", "digest_file", "layout"])?;
    let job = map.require(sink, "job").and_then(|field| field.owned(sink));
    match (map.get("digest_file"), map.get("layout")) {
        (Some(_), Some(layout)) => {
            let help = "remove one of them, or make two entries";
            let text = "must not stand beside `digest_file`";
            sink.error(
                CONFLICTING_KEYWORDS,
                layout.path,
                map.key_span("layout"),
                text,
                help,
            );
            None
        }
        (None, None) => {
            let help = "name the file with the digest or the folder with the image among the job's artifacts";
            let text = "must have `digest_file` or `layout`";
            sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
            None
        }
        (Some(file), None) => {
            let path = file.owned(sink);
            Some(IndexSource::DigestFile {
                job: job?,
                path: path?,
            })
        }
        (None, Some(folder)) => {
            let path = folder.owned(sink);
            Some(IndexSource::Layout {
                job: job?,
                path: path?,
            })
        }
    }
}

fn platforms_of(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Platform> {
    let texts = field.flat_texts(sink).unwrap_or_default();
    let mut known = BTreeSet::new();
    let mut out: Vec<Platform> = Vec::new();
    for Spanned { value, span } in texts {
        let Some(platform) = Platform::parse(&value) else {
            let text = format!("must hold platforms, not `{}`", shown(&value));
            let help = "write it like `linux/amd64` or `linux/arm/v7`";
            sink.error(INVALID_VALUE, field.path, span, &text, help);
            continue;
        };
        if known.insert(platform.normalized()) {
            out.push(platform);
        } else {
            let text = format!("has {} twice", shown(&platform.to_string()));
            let help = "remove one of them";
            sink.error(DUPLICATE_VALUE, field.path, span, &text, help);
        }
    }
    out
}

fn annotations_of(field: &Field<'_>, sink: &mut Sink<'_>) -> IndexMap<String, String> {
    let Some(map) = field.open_map(sink, "a mapping from names to texts") else {
        return IndexMap::new();
    };
    map.fields()
        .filter_map(|(key, _, value)| Some((key.to_owned(), value.scalar(sink)?)))
        .collect()
}

fn tags(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    let tags = distinct(field, sink);
    for Spanned { value: tag, span } in &tags {
        let first = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let valid = first && tag.len() <= MAX_TAG && tag.chars().all(legal);
        if !valid && !tag.contains('$') {
            let text = format!("must hold tags, not `{}`", shown(tag));
            let help = "use at most 128 letters, digits and `_.-`, and no `.` or `-` in front";
            sink.error(INVALID_VALUE, field.path, *span, &text, help);
        }
    }
    values(tags)
}

/// One name or several different ones.
fn distinct(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Spanned<String>> {
    if field.node.as_str().is_some() {
        return field.spanned(sink).into_iter().collect();
    }
    let names = field.texts(sink).unwrap_or_default();
    field.check_filled(sink, &names);
    field.check_unique(sink, &names);
    names
}

fn require(field: &Field<'_>, sink: &mut Sink<'_>, destinations: usize) -> Option<Require> {
    if field.node.as_int().is_some() {
        let most = destinations.max(1) as i64;
        let count = field.number(sink, 1..=most)?;
        return Some(Require::Count(count as u32));
    }
    match field.node.as_str() {
        Some("all") => Some(Require::All),
        Some("quorum") => Some(Require::Quorum),
        _ => {
            let text = "must be `all`, `quorum` or a number";
            let help = "write how many destinations must hold everything";
            field.refuse(sink, INVALID_VALUE, text, help);
            None
        }
    }
}
