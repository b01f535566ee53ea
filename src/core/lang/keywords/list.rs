//! Checks of lists of strings.

use super::{
    codes::{BLANK_VALUE, DUPLICATE_VALUE, LIMIT_EXCEEDED},
    field::{Field, shown},
    sink::Sink,
};
use crate::lang::model::Spanned;

/// How deep lists may lie in lists where they are flattened.
const MAX_NESTING: usize = 10;

impl Field<'_> {
    /// The items of a list, each at this path.
    pub(super) fn items(&self, sink: &mut Sink<'_>) -> Option<impl Iterator<Item = Self>> {
        let Some(items) = self.node.as_sequence() else {
            self.refuse_type(sink, "a list", self.listing_help());
            return None;
        };
        let field = *self;
        Some(items.iter().map(move |item| field.with(item)))
    }

    /// The items of a list, lists in it flattened; `None` where it isn't a list.
    pub(super) fn flat_items(&self, sink: &mut Sink<'_>) -> Option<Vec<Self>> {
        if self.node.as_sequence().is_none() {
            self.refuse_type(sink, "a list", self.listing_help());
            return None;
        }
        let mut out = Vec::new();
        self.flatten_into(sink, 0, &mut out);
        Some(out)
    }

    /// A list of strings with something in them.
    pub(super) fn texts(&self, sink: &mut Sink<'_>) -> Option<Vec<Spanned<String>>> {
        let items: Vec<Self> = self.items(sink)?.collect();
        Some(items.iter().filter_map(|item| item.spanned(sink)).collect())
    }

    /// A list of strings with something in them, lists in it flattened.
    pub(super) fn flat_texts(&self, sink: &mut Sink<'_>) -> Option<Vec<Spanned<String>>> {
        let items = self.flat_items(sink)?;
        Some(items.iter().filter_map(|item| item.spanned(sink)).collect())
    }

    /// A list of strings, places left out.
    pub(super) fn strings(&self, sink: &mut Sink<'_>) -> Option<Vec<String>> {
        Some(values(self.texts(sink)?))
    }

    /// A string or a list of strings.
    pub(super) fn string_or_strings(&self, sink: &mut Sink<'_>) -> Option<Vec<String>> {
        if self.node.as_sequence().is_some() {
            return self.strings(sink);
        }
        if self.node.as_str().is_some() {
            return self.owned(sink).map(|text| vec![text]);
        }
        let help = "write one value, or a list with a dash before each";
        self.refuse_type(sink, "a string or a list of strings", help);
        None
    }

    /// Reports an empty list; true if there is something in it.
    pub(super) fn check_filled<T>(&self, sink: &mut Sink<'_>, items: &[T]) -> bool {
        // A list whose items were all refused has been complained about.
        if items.is_empty() && self.node.as_sequence().is_some_and(<[_]>::is_empty) {
            self.refuse(
                sink,
                BLANK_VALUE,
                "must not be empty",
                "give it an item or remove it",
            );
        }
        !items.is_empty()
    }

    /// Reports a list with more than `limit` items.
    pub(super) fn check_count(&self, sink: &mut Sink<'_>, count: usize, limit: usize) {
        if count > limit {
            let text = format!("has {count} items, at most {limit} are allowed");
            let help = format!("remove {} of them", count - limit);
            self.refuse(sink, LIMIT_EXCEEDED, &text, help);
        }
    }

    /// Reports every value that has been there before.
    pub(super) fn check_unique(&self, sink: &mut Sink<'_>, items: &[Spanned<String>]) {
        let mut seen = std::collections::BTreeSet::new();
        for item in items {
            if !seen.insert(item.value.as_str()) {
                let text = format!("has `{}` twice", shown(&item.value));
                let help = "remove one of them";
                sink.error(DUPLICATE_VALUE, self.path, item.span, &text, help);
            }
        }
    }

    /// Adds the items of this list, or this value itself, to `out`.
    pub(super) fn flatten_into(&self, sink: &mut Sink<'_>, depth: usize, out: &mut Vec<Self>) {
        match self.node.as_sequence() {
            None => out.push(*self),
            Some(_) if depth > MAX_NESTING => {
                let text = format!("has lists in lists more than {MAX_NESTING} deep");
                self.refuse(sink, LIMIT_EXCEEDED, &text, "write the items one level up");
            }
            Some(items) => {
                for item in items {
                    self.with(item).flatten_into(sink, depth + 1, out);
                }
            }
        }
    }

    /// How a single value is written as a list.
    pub(super) fn listing_help(&self) -> String {
        match self.node.as_str() {
            Some(text) if text.len() <= 60 && !text.contains('\n') => {
                format!("write it as a list: `[{text}]`")
            }
            _ => "write a list with a dash before each item".to_owned(),
        }
    }
}

/// The values without their places.
pub(super) fn values(items: Vec<Spanned<String>>) -> Vec<String> {
    items.into_iter().map(|item| item.value).collect()
}
