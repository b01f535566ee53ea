//! `release`.

use super::{
    codes::INVALID_VALUE,
    field::{Field, Map},
    sink::Sink,
};
use crate::lang::model::{Release, ReleaseLink};

const KEYS: &[&str] = &[
    "tag_name",
    "description",
    "name",
    "tag_message",
    "ref",
    "milestones",
    "released_at",
    "assets",
];

/// `release`.
pub(super) fn release(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Release> {
    let map = field.map(sink, KEYS)?;
    let tag_name = map.require(sink, "tag_name");
    let tag_name = tag_name.and_then(|field| field.owned(sink));
    let description = map.require(sink, "description");
    let description = description.and_then(|field| field.owned(sink));
    let milestones = map.get("milestones");
    let milestones = milestones.and_then(|field| field.string_or_strings(sink));
    let released_at = map.get("released_at");
    let released_at = released_at.and_then(|field| time(&field, sink));
    let links = map
        .get("assets")
        .map_or_else(Vec::new, |field| assets(&field, sink));
    let (name, tag_message, ref_name) = (
        text(&map, "name", sink),
        text(&map, "tag_message", sink),
        map.get("ref").and_then(|field| reference(&field, sink)),
    );
    Some(Release {
        tag_name: tag_name?,
        description: description?,
        name,
        tag_message,
        ref_name,
        milestones: milestones.unwrap_or_default(),
        released_at,
        links,
    })
}

fn text(map: &Map<'_>, key: &str, sink: &mut Sink<'_>) -> Option<String> {
    map.get(key).and_then(|field| field.owned(sink))
}

/// A branch, a tag or a commit, by git's rules for names of refs.
fn reference(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let text = field.owned(sink)?;
    let expands = text.contains('$');
    let illegal = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let parts = text.split('/').all(|part| {
        !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none()
    });
    let odd =
        text.contains("..") || text.contains("@{") || text.starts_with('-') || text.ends_with('.');
    if !expands && (!parts || odd || text.contains(illegal)) {
        let help = "write a branch, a tag or a commit without spaces, `..`, and `~^:?*[\\`";
        field.refuse(sink, INVALID_VALUE, "must be the name of a ref", help);
        return None;
    }
    Some(text)
}

fn time(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let text = field.owned(sink)?;
    if !text.contains('$') && !is_iso_8601(&text) {
        let help = "write it like `2026-01-31T08:00:00Z`";
        field.refuse(sink, INVALID_VALUE, "must be a time in ISO 8601", help);
        return None;
    }
    Some(text)
}

/// `YYYY-MM-DD`, then perhaps a `T` or a space and a time with a zone; ranges of the numbers are the forge's business.
fn is_iso_8601(text: &str) -> bool {
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| {
                if wanted == b'0' {
                    byte.is_ascii_digit()
                } else {
                    byte == wanted
                }
            })
    };
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    shape(date, "0000-00-00")
        && time.is_none_or(|time| {
            let clock = time.get(..8).or_else(|| time.get(..5)).unwrap_or_default();
            let zone = |c: char| c.is_ascii_digit() || "Z+-:.UTC ".contains(c);
            (shape(clock, "00:00:00") || shape(time.get(..5).unwrap_or_default(), "00:00"))
                && time.chars().all(zone)
        })
}

fn assets(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<ReleaseLink> {
    let Some(map) = field.map(sink, &["links"]) else {
        return Vec::new();
    };
    let Some(links) = map.require(sink, "links") else {
        return Vec::new();
    };
    let items: Vec<Field<'_>> = links.items(sink).into_iter().flatten().collect();
    links.check_filled(sink, &items);
    items.iter().filter_map(|item| link(item, sink)).collect()
}

fn link(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<ReleaseLink> {
    let map = field.map(sink, &["name", "url", "filepath", "link_type"])?;
    let name = map
        .require(sink, "name")
        .and_then(|field| field.owned(sink));
    let url = map.require(sink, "url").and_then(|field| field.owned(sink));
    let filepath = text(&map, "filepath", sink);
    let link_type = map.get("link_type").and_then(|field| {
        let words = [
            ("other", "other"),
            ("runbook", "runbook"),
            ("image", "image"),
            ("package", "package"),
        ];
        field.choice(sink, &words)
    });
    Some(ReleaseLink {
        name: name?,
        url: url?,
        filepath,
        link_type: link_type.map(str::to_owned),
    })
}
