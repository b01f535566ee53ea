//! `cache`.

use super::{
    artifacts::STORE_WHEN,
    codes::{CONFLICTING_KEYWORDS, INVALID_VALUE, MISSING_KEYWORD},
    field::{Field, Map},
    list::values,
    sink::Sink,
};
use crate::plan::{Cache, CacheKey, CachePolicy};

/// Most caches of a job.
const MAX_CACHES: usize = 4;
/// Most fallback keys of a cache.
const MAX_FALLBACKS: usize = 5;
/// Most files of a key by contents, and by commits.
const MAX_FILES: usize = 10;
const MAX_COMMIT_FILES: usize = 2;

const KEYS: &[&str] = &[
    "key",
    "paths",
    "untracked",
    "policy",
    "when",
    "fallback_keys",
    "unprotect",
];

/// `cache`: one, or a list of at most four.
pub(super) fn caches(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Cache> {
    let mut items = Vec::new();
    field.flatten_into(sink, 0, &mut items);
    field.check_count(sink, items.len(), MAX_CACHES);
    // `cache: {}` and `cache: []` are the usual ways to drop an inherited one.
    let filled = |item: &&Field<'_>| item.node.as_mapping().is_none_or(|map| !map.is_empty());
    items
        .iter()
        .filter(filled)
        .filter_map(|item| cache(item, sink))
        .collect()
}

fn cache(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Cache> {
    let map = field.map(sink, KEYS)?;
    let mut out = Cache {
        key: CacheKey::Text("default".into()),
        paths: Vec::new(),
        untracked: false,
        policy: CachePolicy::default(),
        when: crate::plan::StoreWhen::default(),
        fallback_keys: Vec::new(),
    };
    if let Some(key) = map.get("key").and_then(|field| key(&field, sink)) {
        out.key = key;
    }
    if let Some(field) = map.get("paths") {
        out.paths = values(field.flat_texts(sink).unwrap_or_default());
    }
    if let Some(field) = map.get("untracked") {
        out.untracked = field.flag(sink).unwrap_or_default();
    }
    if let Some(field) = map.get("policy") {
        out.policy = policy(&field, sink).unwrap_or_default();
    }
    if let Some(field) = map.get("when") {
        out.when = field.choice(sink, STORE_WHEN).unwrap_or_default();
    }
    if let Some(field) = map.get("fallback_keys") {
        out.fallback_keys = fallback_keys(&field, sink);
    }
    if let Some(field) = map.get("unprotect") {
        field.flag(sink);
    }
    Some(out)
}

fn key(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<CacheKey> {
    if field.node.as_mapping().is_none() {
        if field.node.as_str().is_none() {
            let help = "write a text, or a mapping with `files`";
            field.refuse_type(sink, "a string or a mapping", help);
            return None;
        }
        return key_text(field, sink).map(CacheKey::Text);
    }
    let map = field.map(sink, &["files", "files_commits", "prefix"])?;
    let prefix = map.get("prefix").and_then(|field| key_text(&field, sink));
    let by_contents = key_files(&map, "files", MAX_FILES, sink);
    let by_commits = key_files(&map, "files_commits", MAX_COMMIT_FILES, sink);
    match (by_contents, by_commits) {
        (Some(_), Some(_)) => {
            let text = "must not have both `files` and `files_commits`";
            let help = "remove one of them";
            let span = map.key_span("files_commits");
            sink.error(CONFLICTING_KEYWORDS, map.path, span, text, help);
            None
        }
        (None, None) => {
            let text = "must have `files` or `files_commits`";
            let help = "add `files: […]`, or write the key as a text";
            sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
            None
        }
        (Some(files), None) => Some(CacheKey::Files {
            files,
            prefix,
            commits: false,
        }),
        (None, Some(files)) => Some(CacheKey::Files {
            files,
            prefix,
            commits: true,
        }),
    }
}

fn key_files(map: &Map<'_>, key: &str, limit: usize, sink: &mut Sink<'_>) -> Option<Vec<String>> {
    let field = map.get(key)?;
    let files = field.strings(sink).unwrap_or_default();
    if field.node.as_sequence().is_some() {
        field.check_filled(sink, &files);
        field.check_count(sink, files.len(), limit);
    }
    Some(files)
}

/// A part of a path in the cache's store.
fn key_text(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let text = field.nonblank(sink)?;
    let dots = |text: &str| text.replace("%2E", ".").replace("%2e", ".");
    if text.contains('/') || text.to_ascii_lowercase().contains("%2f") {
        let help = "use another separator; `$CI_COMMIT_REF_SLUG` is the branch without slashes";
        field.refuse(sink, INVALID_VALUE, "must not contain a slash", help);
        return None;
    }
    if dots(text).chars().all(|c| c == '.') {
        let help = "use a name with other characters";
        field.refuse(sink, INVALID_VALUE, "must not consist of dots", help);
        return None;
    }
    Some(text.to_owned())
}

fn policy(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<CachePolicy> {
    if let Some(text) = field.node.as_str().filter(|text| text.starts_with('$')) {
        return Some(CachePolicy::Variable(text.to_owned()));
    }
    let words = [("pull-push", 0), ("pull", 1), ("push", 2)];
    Some(match field.choice(sink, &words)? {
        0 => CachePolicy::PullPush,
        1 => CachePolicy::Pull,
        _ => CachePolicy::Push,
    })
}

fn fallback_keys(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    let items: Vec<Field<'_>> = field.items(sink).into_iter().flatten().collect();
    field.check_count(sink, items.len(), MAX_FALLBACKS);
    items
        .iter()
        .filter_map(|item| key_text(item, sink))
        .collect()
}
