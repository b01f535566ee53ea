//! `!reference [job, key]`: replaced by the value of that path in the merged tree.

use std::{collections::BTreeMap, sync::Arc};

use super::Broken;
use crate::{
    diag::{Diagnostic, Diagnostics, Span, did_you_mean},
    yaml::{Entry, Mapping, Node, Value},
};

/// Deepest chain of references that lead to references.
const MAX_DEPTH: usize = 10;

/// Most values that all references together may bring in: without it ten levels could stand for billions.
const MAX_VALUES: usize = 500_000;

/// Resolves every reference of the tree. One that can't be becomes null, with an error, and its job is noted as broken.
pub(super) fn resolve(
    root: &Mapping,
    broken: &mut Broken,
    diagnostics: &mut Diagnostics,
) -> Mapping {
    let mut resolver = Resolver {
        root,
        known: BTreeMap::new(),
        stack: Vec::new(),
        values: 0,
        exhausted: false,
        suggestions: 20,
        diagnostics,
    };
    let mut tree = root.clone();
    for (name, entry) in root.iter() {
        let errors = resolver.diagnostics.error_count();
        if let Some(value) = resolver.node(&entry.value) {
            let key_span = entry.key_span;
            tree.insert(Arc::clone(name), Entry { key_span, value });
        }
        if resolver.diagnostics.error_count() > errors {
            broken.mark(name);
        }
    }
    tree
}

struct Resolver<'r> {
    root: &'r Mapping,
    /// Resolved paths, and how many values each stands for.
    known: BTreeMap<Vec<Arc<str>>, (Node, usize)>,
    /// Paths that are being resolved.
    stack: Vec<Vec<Arc<str>>>,
    values: usize,
    exhausted: bool,
    /// How many missing paths still get a suggestion: looking for one goes through all keys.
    suggestions: usize,
    diagnostics: &'r mut Diagnostics,
}

impl Resolver<'_> {
    /// `None` where nothing changes, so that subtrees without references stay shared.
    fn node(&mut self, node: &Node) -> Option<Node> {
        self.values = self.values.saturating_add(1);
        match node.value() {
            Value::Sequence(items) => self
                .sequence(items)
                .map(|items| Node::sequence(node.span(), items)),
            Value::Mapping(mapping) => self
                .mapping(mapping)
                .map(|mapping| Node::mapping(node.span(), mapping)),
            Value::Reference(path) => Some(self.reference(path, node.span())),
            _ => None,
        }
    }

    fn sequence(&mut self, items: &[Node]) -> Option<Vec<Node>> {
        let mut changed: Option<Vec<Node>> = None;
        for (at, item) in items.iter().enumerate() {
            match (self.node(item), &mut changed) {
                (Some(new), None) => {
                    changed = Some(items[..at].iter().cloned().chain([new]).collect());
                }
                (Some(new), Some(list)) => list.push(new),
                (None, Some(list)) => list.push(item.clone()),
                (None, None) => {}
            }
        }
        changed
    }

    fn mapping(&mut self, mapping: &Mapping) -> Option<Mapping> {
        let mut changed: Option<Mapping> = None;
        for (key, entry) in mapping.iter() {
            if let Some(value) = self.node(&entry.value) {
                let entry = Entry {
                    key_span: entry.key_span,
                    value,
                };
                changed
                    .get_or_insert_with(|| mapping.clone())
                    .insert(Arc::clone(key), entry);
            }
        }
        changed
    }

    fn reference(&mut self, path: &[Node], span: Span) -> Node {
        let null = Node::null(span);
        if self.exhausted {
            return null;
        }
        let Some(path) = self.path(path, span) else {
            return null;
        };
        if let Some((node, values)) = self.known.get(&path) {
            let node = node.clone();
            self.values = self.values.saturating_add(*values);
            return if self.within_budget(span) { node } else { null };
        }
        if let Some(problem) = self.chain_problem(&path, span) {
            self.diagnostics.push(problem);
            return null;
        }
        let before = self.values;
        self.stack.push(path);
        let found = self.follow(span);
        let path = self.stack.pop().unwrap_or_default();
        let node = found.unwrap_or(null);
        let values = self.values - before;
        self.known.insert(path, (node.clone(), values));
        if self.within_budget(span) {
            node
        } else {
            Node::null(span)
        }
    }

    fn within_budget(&mut self, span: Span) -> bool {
        if self.values > MAX_VALUES && !self.exhausted {
            self.exhausted = true;
            self.diagnostics.push(
                Diagnostic::error(
                    "reference-too-large",
                    span,
                    format!(
                        "the references of this pipeline stand for more than {MAX_VALUES} values"
                    ),
                )
                .with_help("references of references multiply: repeat less"),
            );
        }
        !self.exhausted
    }

    fn path(&mut self, path: &[Node], span: Span) -> Option<Vec<Arc<str>>> {
        let keys: Option<Vec<Arc<str>>> =
            path.iter().map(|key| key.as_str().map(Arc::from)).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Some(keys),
            _ => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "reference-path",
                        span,
                        "the path of a !reference must be a list of keys",
                    )
                    .with_help("for example: !reference [.setup, script]"),
                );
                None
            }
        }
    }

    fn chain_problem(&self, path: &[Arc<str>], span: Span) -> Option<Diagnostic> {
        if let Some(at) = self.stack.iter().position(|known| known == path) {
            let chain = self.stack[at..].iter().map(|path| show(path));
            let chain = chain.chain([show(path)]).collect::<Vec<_>>().join(" → ");
            return Some(Diagnostic::error(
                "reference-cycle",
                span,
                format!("!reference {} leads back to itself: {chain}", show(path)),
            ));
        }
        (self.stack.len() >= MAX_DEPTH).then(|| {
            Diagnostic::error(
                "reference-too-deep",
                span,
                format!(
                    "!reference {} is more than {MAX_DEPTH} references deep",
                    show(path)
                ),
            )
        })
    }

    /// The value at the path on top of the stack, itself resolved.
    fn follow(&mut self, span: Span) -> Option<Node> {
        let path = self.stack.last().cloned()?;
        let mut node: Option<Node> = None;
        for (at, key) in path.iter().enumerate() {
            let mapping = match &node {
                None => Some(self.root),
                Some(node) => node.as_mapping(),
            };
            let next = mapping.and_then(|mapping| mapping.get(key)).cloned();
            let Some(next) = next else {
                let keys = mapping.map(Mapping::keys).filter(|_| self.suggestions > 0);
                self.suggestions = self.suggestions.saturating_sub(1);
                let near = keys.and_then(|keys| did_you_mean(key, keys));
                let problem = missing(&path, at, near, span);
                self.diagnostics.push(problem);
                return None;
            };
            // A reference on the way leads elsewhere; one at the end is resolved like any value.
            let on_the_way = at + 1 < path.len() && matches!(next.value(), Value::Reference(_));
            node = Some(if on_the_way {
                self.node(&next).unwrap_or(next)
            } else {
                next
            });
        }
        let node = node?;
        if node.is_null() || node.as_bool() == Some(false) {
            let problem = missing(&path, path.len() - 1, None, span)
                .with_label(node.span(), "null and false can't be referenced");
            self.diagnostics.push(problem);
            return None;
        }
        Some(self.node(&node).unwrap_or(node))
    }
}

fn missing(path: &[Arc<str>], at: usize, near: Option<&str>, span: Span) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "reference-missing",
        span,
        format!("!reference {} not found: no `{}`", show(path), path[at]),
    );
    if let Some(near) = near {
        diagnostic = diagnostic.with_help(format!("did you mean `{near}`?"));
    } else if at == 0 {
        diagnostic = diagnostic.with_help(
            "the path starts at the top of the pipeline, after all includes: first the job, then its key",
        );
    }
    diagnostic
}

fn show(path: &[Arc<str>]) -> String {
    format!("[{}]", path.join(", "))
}
