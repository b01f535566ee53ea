//! Mappings in the order of the file.

use std::sync::Arc;

use super::Node;
use crate::{diag::Span, hash::HashMap};

/// The value of a key, and where the key stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Place of the key.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

/// An ordered mapping. Keys are texts: a key that YAML reads as a number or a boolean (`on:`) has its Ruby text.
///
/// Nearly all mappings of a pipeline are a job's handful of keywords, where looking at each key is faster than hashing one
/// and a table would be the larger part of it. Longer ones have an index.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    entries: Vec<(Arc<str>, Entry)>,
    /// Places in `entries`; empty up to [`INDEXED`] keys.
    index: HashMap<Arc<str>, usize>,
}

/// Mappings with more keys have an index.
const INDEXED: usize = 8;

impl Mapping {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy that `more` keys will be added to.
    #[must_use]
    pub fn with_room_for(&self, more: usize) -> Self {
        let mut entries = Vec::with_capacity(self.len() + more);
        entries.extend_from_slice(&self.entries);
        Self {
            entries,
            index: self.index.clone(),
        }
    }

    /// Gives back the memory that was meant for more keys.
    pub fn shrink(&mut self) {
        self.entries.shrink_to_fit();
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.entries.len() > INDEXED {
            return self.index.get(key).copied();
        }
        self.entries.iter().position(|(known, _)| **known == *key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Value and place of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.full_entry(key).map(|(_, entry)| entry)
    }

    /// Key (as it is shared), value and place of a key.
    pub fn full_entry(&self, key: &str) -> Option<(&Arc<str>, &Entry)> {
        let (key, entry) = &self.entries[self.place(key)?];
        Some((key, entry))
    }

    /// Whether the key is there, be it with null.
    pub fn contains(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// All entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key, entry))
    }

    /// All keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| &**key)
    }

    /// Value and place of a key, to change.
    pub fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let place = self.place(key)?;
        Some(&mut self.entries[place].1)
    }

    /// Sets a key; one that was there keeps its position, and its old entry is returned.
    pub fn insert(&mut self, key: Arc<str>, entry: Entry) -> Option<Entry> {
        if let Some(known) = self.entry_mut(&key) {
            return Some(std::mem::replace(known, entry));
        }
        self.entries.push((key, entry));
        let indexed = self.index.len();
        if self.entries.len() > INDEXED {
            self.index_from(indexed);
        }
        None
    }

    /// Removes a key; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let place = self.place(key)?;
        let (_, entry) = self.entries.remove(place);
        self.index.clear();
        if self.entries.len() > INDEXED {
            self.index_from(0);
        }
        Some(entry)
    }

    fn index_from(&mut self, start: usize) {
        let unindexed = self.entries.iter().enumerate().skip(start);
        self.index
            .extend(unindexed.map(|(place, (key, _))| (Arc::clone(key), place)));
    }
}

impl PartialEq for Mapping {
    /// The same keys with the same values, in any order.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(key, entry)| other.get(key) == Some(&entry.value))
    }
}

impl FromIterator<(Arc<str>, Entry)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Entry)>>(iter: I) -> Self {
        let mut mapping = Self::new();
        for (key, entry) in iter {
            mapping.insert(key, entry);
        }
        mapping
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(value: i64) -> Entry {
        let span = Span::default();
        Entry {
            key_span: span,
            value: Node::new(span, crate::yaml::Value::Int(value)),
        }
    }

    fn all(mapping: &Mapping) -> Vec<(String, i64)> {
        let pair =
            |(key, entry): (&Arc<str>, &Entry)| (key.to_string(), entry.value.as_int().unwrap());
        mapping.iter().map(pair).collect()
    }

    proptest! {
        /// Short or long, with an index or without one: as a list that is searched from its start.
        #[test]
        fn behaves_like_a_list(steps in prop::collection::vec((0..14_u8, any::<bool>(), 0..99_i64), 0..60)) {
            let mut mapping = Mapping::new();
            let mut list: Vec<(String, i64)> = Vec::new();
            for (key, remove, value) in steps {
                let key = format!("k{key}");
                let place = list.iter().position(|(known, _)| *known == key);
                prop_assert_eq!(mapping.get(&key).and_then(Node::as_int), place.map(|at| list[at].1));
                if remove {
                    prop_assert_eq!(mapping.remove(&key).is_some(), place.is_some());
                    place.map(|at| list.remove(at));
                } else {
                    prop_assert_eq!(mapping.insert(key.as_str().into(), entry(value)).is_some(), place.is_some());
                    match place {
                        Some(at) => list[at].1 = value,
                        None => list.push((key, value)),
                    }
                }
                prop_assert_eq!(all(&mapping), list.clone());
            }
        }
    }
}
