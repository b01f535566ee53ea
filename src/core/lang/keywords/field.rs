//! A value and the path that leads to it.

use std::{borrow::Cow, fmt};

use super::{
    codes::{INVALID_TYPE, MISSING_KEYWORD, UNKNOWN_KEYWORD},
    sink::Sink,
};
use crate::{
    diag::{Span, did_you_mean},
    yaml::{Mapping, Node},
};

/// The keywords that lead to a value, as messages show them: `jobs:build:cache:key`.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

impl<'a> Path<'a> {
    /// The top of the file, which messages don't name.
    pub(super) const TOP: Self = Self {
        parent: None,
        name: "",
    };

    /// One step further.
    pub(super) const fn child(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            name,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = clip(self.name, MAX_NAME_SHOWN);
        match self.parent {
            Some(parent) if !parent.name.is_empty() => write!(f, "{parent}:{name}"),
            _ => f.write_str(&name),
        }
    }
}

/// A value at a path. Items of a list have the list's path: the place tells them apart.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// What leads to it.
    pub path: Path<'a>,
    /// The value.
    pub node: &'a Node,
}

impl<'a> Field<'a> {
    /// Where it stands.
    pub(super) const fn span(&self) -> Span {
        self.node.span()
    }

    /// Another value with the same path.
    pub(super) const fn with(&self, node: &'a Node) -> Self {
        Self {
            path: self.path,
            node,
        }
    }

    /// An error at the value.
    pub(super) fn refuse(
        &self,
        sink: &mut Sink<'_>,
        code: &'static str,
        text: &str,
        help: impl Into<String>,
    ) {
        sink.error(code, self.path, self.span(), text, help);
    }

    /// A value of another type than `wanted` (with its article).
    pub(super) fn refuse_type(&self, sink: &mut Sink<'_>, wanted: &str, help: impl Into<String>) {
        let text = format!("must be {wanted}, not {}", self.node.kind());
        self.refuse(sink, INVALID_TYPE, &text, help);
    }

    /// The entries, where the value is a mapping. Keys that aren't among `keys` are errors.
    pub(super) fn map(&self, sink: &mut Sink<'_>, keys: &[&str]) -> Option<Map<'a>> {
        let Some(map) = self.entries() else {
            let wanted = format!("a mapping with {}", one_of(keys));
            self.refuse_type(sink, &wanted, "write `key: value` lines below it");
            return None;
        };
        for (key, span) in map.keys() {
            if !keys.contains(&key) {
                map.refuse_key(sink, key, span, keys);
            }
        }
        Some(map)
    }

    /// The entries, where the value is a mapping from names of the user's own.
    pub(super) fn open_map(&self, sink: &mut Sink<'_>, wanted: &str) -> Option<Map<'a>> {
        let map = self.entries();
        if map.is_none() {
            self.refuse_type(sink, wanted, "write `name: value` lines below it");
        }
        map
    }

    fn entries(&self) -> Option<Map<'a>> {
        Some(Map {
            path: self.path,
            span: self.span(),
            entries: self.node.as_mapping()?,
        })
    }
}

/// The entries of a mapping at a path.
pub(super) struct Map<'a> {
    /// What leads to it.
    pub path: Path<'a>,
    /// The whole mapping.
    pub span: Span,
    entries: &'a Mapping,
}

impl<'a> Map<'a> {
    /// The value of a key; `null` is absence.
    pub(super) fn get<'b>(&'b self, key: &'b str) -> Option<Field<'b>> {
        self.present(key).filter(|field| !field.node.is_null())
    }

    /// The value of a key, be it `null`.
    pub(super) fn present<'b>(&'b self, key: &'b str) -> Option<Field<'b>> {
        let node = self.entries.get(key)?;
        Some(Field {
            path: self.path.child(key),
            node,
        })
    }

    /// The value of a key that must be there.
    pub(super) fn require<'b>(&'b self, sink: &mut Sink<'_>, key: &'b str) -> Option<Field<'b>> {
        let field = self.get(key);
        if field.is_none() {
            let text = format!("must have `{key}`");
            let span = self.present(key).map_or(self.span, |field| field.span());
            sink.error(
                MISSING_KEYWORD,
                self.path,
                span,
                &text,
                format!("add `{key}: …`"),
            );
        }
        field
    }

    /// Where a key stands.
    pub(super) fn key_span(&self, key: &str) -> Span {
        self.entries
            .entry(key)
            .map_or(self.span, |entry| entry.key_span)
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Every key with its place, in order.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'a str, Span)> {
        self.entries
            .iter()
            .map(|(key, entry)| (&**key, entry.key_span))
    }

    /// Every entry in order: its value and the place of its key. The path ends with the key.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'a str, Span, Field<'_>)> {
        self.entries.iter().map(|(key, entry)| {
            let field = Field {
                path: self.path.child(key),
                node: &entry.value,
            };
            (&**key, entry.key_span, field)
        })
    }

    /// Reports a key that isn't one of `known`.
    pub(super) fn refuse_key(&self, sink: &mut Sink<'_>, key: &str, span: Span, known: &[&str]) {
        let near = (!sink.is_full()).then(|| did_you_mean(key, known.iter().copied()));
        let help = near.flatten().map_or_else(
            || format!("remove it, or use {}", one_of(known)),
            |near| format!("did you mean `{near}`?"),
        );
        let path = self.path.child(key);
        sink.error(UNKNOWN_KEYWORD, path, span, "unknown keyword", help);
    }
}

/// Longest name that a message shows whole, in characters: that of a legal job.
const MAX_NAME_SHOWN: usize = 255;
/// Longest value that a message shows whole, in characters.
const MAX_VALUE_SHOWN: usize = 60;

/// A value as a message shows it: hostile ones are long, and told many times.
pub(super) fn shown(value: &str) -> Cow<'_, str> {
    clip(value, MAX_VALUE_SHOWN)
}

fn clip(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// "`a`, `b` or `c`".
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => format!("`{word}`"),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", most.join(", "))
        }
    }
}
