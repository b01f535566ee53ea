//! The keywords that `default`, the top level and jobs share.

use indexmap::IndexMap;

use super::{
    artifacts, cache,
    codes::INVALID_DURATION,
    field::{Field, Map},
    image,
    scalar::MONTH,
    schedule, script, secrets,
    sink::Sink,
};
use crate::{
    lang::keys::DEFAULTS,
    lang::model::{IdToken, Service, Spanned, Unsupported},
    plan::{Artifacts, Cache, Image, Retry},
    time::Millis,
};

/// Most tags of a job.
const MAX_TAGS: usize = 50;

/// The values of the shared keywords.
#[derive(Default)]
pub(super) struct Shared {
    pub before_script: Vec<String>,
    pub after_script: Vec<String>,
    pub image: Option<Image>,
    pub services: Vec<Service>,
    pub artifacts: Option<Artifacts>,
    pub cache: Vec<Cache>,
    pub tags: Vec<Spanned<String>>,
    pub retry: Option<Retry>,
    pub timeout: Option<Millis>,
    pub interruptible: Option<bool>,
    pub id_tokens: IndexMap<String, IdToken>,
    pub unsupported: Vec<Unsupported>,
}

/// Checks `default`; its values reach the jobs when the file is composed.
pub(super) fn check(field: &Field<'_>, sink: &mut Sink<'_>) {
    if let Some(map) = field.map(sink, DEFAULTS) {
        read(&map, sink);
    }
}

/// Reads the shared keywords that a mapping has.
pub(super) fn read(map: &Map<'_>, sink: &mut Sink<'_>) -> Shared {
    let mut out = Shared::default();
    for key in DEFAULTS {
        if let Some(field) = map.get(key) {
            read_one(&mut out, map, key, &field, sink);
        }
    }
    out
}

/// Reads one shared keyword.
pub(super) fn read_one(
    out: &mut Shared,
    map: &Map<'_>,
    key: &str,
    field: &Field<'_>,
    sink: &mut Sink<'_>,
) {
    let mut only_checked = false;
    match key {
        "after_script" => out.after_script = script::commands(field, sink),
        "artifacts" => out.artifacts = artifacts::artifacts(field, sink),
        "before_script" => out.before_script = script::commands(field, sink),
        "cache" => {
            out.cache = cache::caches(field, sink);
            only_checked = out.cache.len() > 1;
        }
        "hooks" => {
            script::hooks(field, sink);
            only_checked = true;
        }
        "id_tokens" => {
            out.id_tokens = secrets::id_tokens(field, sink);
            only_checked = !out.id_tokens.is_empty();
        }
        "identity" => {
            secrets::identity(field, sink);
            only_checked = true;
        }
        "image" => out.image = image::image(field, sink),
        "interruptible" => out.interruptible = field.flag(sink),
        "retry" => out.retry = schedule::retry(field, sink),
        "services" => {
            out.services = image::services(field, sink);
            only_checked = !out.services.is_empty();
        }
        "tags" => {
            out.tags = field.flat_texts(sink).unwrap_or_default();
            field.check_count(sink, out.tags.len(), MAX_TAGS);
        }
        "timeout" => out.timeout = timeout(field, sink),
        _ => {}
    }
    if only_checked {
        let keyword = if key == "cache" {
            "more than one cache"
        } else {
            key
        };
        let keyword = Spanned::new(keyword.to_owned(), map.key_span(key));
        out.unsupported.push(keyword);
    }
}

/// Nothing can run in no time.
fn timeout(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Millis> {
    let limit = field.duration(sink, Some(MONTH))?;
    if limit.0 == 0 {
        let help = "remove it for the default of an hour, or write it like `30 minutes`";
        field.refuse(sink, INVALID_DURATION, "must be longer than nothing", help);
        return None;
    }
    Some(limit)
}
