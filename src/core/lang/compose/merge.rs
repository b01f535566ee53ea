//! The merge of `include` and `extends`: mappings merge, everything else is replaced, null included.

use std::sync::Arc;

use crate::yaml::{Entry, Mapping, Node, Value};

/// Merges `over` into `target`; `over` wins. Keys of `target` keep their positions.
pub(super) fn merge_into(target: &mut Mapping, over: &Mapping) {
    for (key, entry) in over.iter() {
        match target.entry_mut(key) {
            Some(existing) => merge_entry(existing, entry),
            None => {
                target.insert(Arc::clone(key), entry.clone());
            }
        }
    }
}

fn merge_entry(target: &mut Entry, over: &Entry) {
    target.key_span = over.key_span;
    merge_node(&mut target.value, &over.value);
}

fn merge_node(target: &mut Node, over: &Node) {
    match (target.value(), over.value()) {
        (Value::Mapping(mine), Value::Mapping(theirs)) if Arc::ptr_eq(mine, theirs) => {}
        (Value::Mapping(_), Value::Mapping(theirs)) => {
            if let Some(mapping) = target.as_mapping_mut() {
                merge_into(mapping, theirs);
            }
            target.set_span(over.span());
        }
        _ => *target = over.clone(),
    }
}
