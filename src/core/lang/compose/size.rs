//! The whole pipeline's bound: shared subtrees cost nothing here, but every later phase walks each use of them.

use crate::{
    diag::{Diagnostic, Diagnostics},
    yaml::{Mapping, Node, Value},
};

/// Most values of a composed pipeline, shared ones counted at each use.
const MAX_VALUES: usize = 2_000_000;

/// Whether later phases may walk the tree; the job that breaks the bound is named.
pub(super) fn check(root: &Mapping, diagnostics: &mut Diagnostics) -> bool {
    let mut left = MAX_VALUES;
    for (name, entry) in root.iter() {
        if !spend(&entry.value, &mut left) {
            let message = format!("the pipeline holds more than {MAX_VALUES} values at `{name}`");
            diagnostics.push(
                Diagnostic::error("pipeline-too-large", entry.key_span, message)
                    .with_help("anchors, `extends` and `!reference` multiply what they repeat"),
            );
            return false;
        }
    }
    true
}

/// Counts down; false when nothing is left.
fn spend(node: &Node, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else {
        return false;
    };
    *left = rest;
    match node.value() {
        Value::Sequence(items) | Value::Reference(items) => {
            items.iter().all(|item| spend(item, left))
        }
        Value::Mapping(mapping) => mapping.iter().all(|(_, entry)| spend(&entry.value, left)),
        _ => true,
    }
}
