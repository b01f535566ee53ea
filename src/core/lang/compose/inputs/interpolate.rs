//! Blocks in the tree give way to their values.

use std::sync::Arc;

use super::{
    bind::Bound,
    function,
    mask::{Block, Blocks, Piece},
    value::embedded,
};
use crate::{
    diag::{Diagnostic, Diagnostics, did_you_mean},
    lang::compose::variables::Variables,
    yaml::{Entry, Mapping, Node, Value},
};

/// Most blocks of one file.
const MAX_BLOCKS: usize = 10_000;

/// Longest text that the blocks of one scalar may lead to, in bytes.
const MAX_TEXT: usize = 1024 * 1024;

/// Longest text that all blocks of one file may lead to, in bytes.
const MAX_TOTAL: usize = 16 * 1024 * 1024;

/// Replaces the blocks of a tree. Without `inputs` (a file without a header) they become what was written.
pub(in crate::lang::compose) fn interpolate(
    node: &Node,
    blocks: &Blocks,
    inputs: Option<&Bound>,
    variables: &Variables,
    diagnostics: &mut Diagnostics,
) -> Node {
    if inputs.is_some() && blocks.len() > MAX_BLOCKS {
        if let Some(block) = blocks.iter().nth(MAX_BLOCKS) {
            diagnostics.push(Diagnostic::error(
                "interpolation-too-many",
                block.span,
                format!("more than {MAX_BLOCKS} interpolation blocks in one file"),
            ));
        }
        return node.clone();
    }
    let mut walk = Walk {
        blocks,
        inputs,
        variables,
        diagnostics,
        total: 0,
        exhausted: false,
    };
    walk.node(node).unwrap_or_else(|| node.clone())
}

struct Walk<'a> {
    blocks: &'a Blocks,
    inputs: Option<&'a Bound>,
    variables: &'a Variables,
    diagnostics: &'a mut Diagnostics,
    total: usize,
    exhausted: bool,
}

impl Walk<'_> {
    /// `None` where nothing changes.
    fn node(&mut self, node: &Node) -> Option<Node> {
        match node.value() {
            Value::String(text) if Blocks::is_masked(text) => Some(self.scalar(text, node)),
            Value::Sequence(items) => self
                .items(items)
                .map(|items| Node::sequence(node.span(), items)),
            Value::Reference(items) => self
                .items(items)
                .map(|items| Node::new(node.span(), Value::Reference(items.into()))),
            Value::Mapping(mapping) => self
                .mapping(mapping)
                .map(|mapping| Node::mapping(node.span(), mapping)),
            _ => None,
        }
    }

    fn items(&mut self, items: &[Node]) -> Option<Vec<Node>> {
        let mut changed: Option<Vec<Node>> = None;
        for (at, item) in items.iter().enumerate() {
            if let Some(new) = self.node(item) {
                changed.get_or_insert_with(|| items.to_vec())[at] = new;
            }
        }
        changed
    }

    fn mapping(&mut self, mapping: &Mapping) -> Option<Mapping> {
        let values: Vec<Option<Node>> = mapping
            .iter()
            .map(|(_, entry)| self.node(&entry.value))
            .collect();
        let masked_key = mapping.keys().any(Blocks::is_masked);
        if !masked_key && values.iter().all(Option::is_none) {
            return None;
        }
        let entries = mapping.iter().zip(values).map(|((key, entry), value)| {
            let key = self.key(key, entry);
            let entry = Entry {
                key_span: entry.key_span,
                value: value.unwrap_or_else(|| entry.value.clone()),
            };
            (key, entry)
        });
        Some(entries.collect())
    }

    fn key(&mut self, key: &Arc<str>, entry: &Entry) -> Arc<str> {
        if !Blocks::is_masked(key) {
            return Arc::clone(key);
        }
        let node = self.scalar(key, &Node::string(entry.key_span, Arc::clone(key)));
        embedded(&node).into()
    }

    /// A block that is the whole scalar keeps the type of its value; among other text it becomes text.
    fn scalar(&mut self, text: &str, node: &Node) -> Node {
        let blocks = self.blocks;
        let pieces = blocks.pieces(text);
        if let [Piece::Block(block)] = pieces[..]
            && let Some(value) = self.value(block)
        {
            return value;
        }
        let mut out = String::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Block(block) => match self.value(block) {
                    Some(value) => out.push_str(&embedded(&value)),
                    None => out.push_str(&block.text),
                },
            }
            if out.len() > MAX_TEXT || self.total + out.len() > MAX_TOTAL {
                self.too_long(node);
                break;
            }
        }
        self.total += out.len();
        Node::string(node.span(), out).with_style(node.style())
    }

    fn too_long(&mut self, node: &Node) {
        if !std::mem::replace(&mut self.exhausted, true) {
            self.diagnostics.push(Diagnostic::error(
                "interpolation-too-large",
                node.span(),
                "the result of the interpolation is too large",
            ));
        }
    }

    /// The value of a block at its own place; `None` leaves the block as it was written.
    fn value(&mut self, block: &Block) -> Option<Node> {
        let inputs = self.inputs?;
        let mut parts = block.data.split('|').map(str::trim);
        let access = parts.next().unwrap_or_default();
        // Matrix values are known only when jobs are multiplied.
        if access.split('.').next() == Some("matrix") {
            return None;
        }
        match evaluate(access, parts, block, inputs, self.variables) {
            Ok(mut value) => {
                value.set_span(block.span);
                Some(value)
            }
            Err(problem) => {
                self.diagnostics.push(problem);
                None
            }
        }
    }
}

fn evaluate<'b>(
    access: &str,
    functions: impl Iterator<Item = &'b str>,
    block: &Block,
    inputs: &Bound,
    variables: &Variables,
) -> Result<Node, Diagnostic> {
    let fail = |message: String| Diagnostic::error("interpolation", block.span, message);
    let Some(name) = access.strip_prefix("inputs.") else {
        return Err(fail(format!("unknown interpolation key: `{access}`"))
            .with_help("a block names an input: $[[ inputs.name ]]"));
    };
    let Some(value) = inputs.get(name) else {
        let problem = fail(format!("unknown interpolation key: `{name}`"));
        return Err(
            match did_you_mean(name, inputs.keys().map(String::as_str)) {
                Some(near) => problem.with_help(format!("did you mean `{near}`?")),
                None => problem.with_help("declare it in `spec:inputs` of this file"),
            },
        );
    };
    let functions: Vec<&str> = functions.collect();
    if functions.len() > function::MAX_FUNCTIONS {
        return Err(fail(format!(
            "too many functions in an interpolation block, at most {} are applied",
            function::MAX_FUNCTIONS
        )));
    }
    let mut value = value.clone();
    for expression in functions {
        value = function::apply(expression, &value, block.span, variables).map_err(fail)?;
    }
    Ok(value)
}
