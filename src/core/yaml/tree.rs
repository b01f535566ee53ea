//! Builds the tree from the parser's events: anchors, aliases, merge keys, duplicate keys, tags, budgets.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Entry, Limits, Mapping, Node, Style, Value, resolve_plain, scalar::looks_like_date};
use crate::diag::{Diagnostic, Diagnostics, Span, did_you_mean};

/// The tag of a node, as far as it means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// None, or one of YAML's own that says nothing new (`!!map`, `!!seq`).
    None,
    /// `!!str`, `!`.
    Str,
    /// `!!int`, `!!float`, `!!bool`, `!!null`: as an unquoted scalar.
    Typed,
    /// `!reference`.
    Reference,
    /// Any other, as written, and its place.
    Unknown(String, Span),
}

/// Events of one document go in, its tree comes out.
pub(super) struct TreeBuilder<'d> {
    limits: Limits,
    diagnostics: &'d mut Diagnostics,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Anchored>,
    /// Names of anchors that earlier, broken parts of the file defined.
    named: BTreeMap<String, Anchored>,
    names: BTreeMap<usize, String>,
    /// Places of aliases that stand for nothing, which has been told.
    lost: BTreeSet<Span>,
    alias_nodes: usize,
    over_budget: bool,
    /// A part of this document was skipped: what seems to be missing may stand there.
    pub(super) broken: bool,
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

struct Frame {
    span: Span,
    anchor: usize,
    reference: bool,
    flow: bool,
    size: usize,
    depth: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        mapping: Mapping,
        /// Keys that came by `<<` and may be overridden silently.
        merged: BTreeSet<Arc<str>>,
        key: Option<Key>,
    },
}

struct Key {
    text: Arc<str>,
    span: Span,
    merge: bool,
}

impl<'d> TreeBuilder<'d> {
    pub(super) fn new(limits: Limits, diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            limits,
            diagnostics,
            stack: Vec::new(),
            root: None,
            anchors: BTreeMap::new(),
            named: BTreeMap::new(),
            names: BTreeMap::new(),
            lost: BTreeSet::new(),
            alias_nodes: 0,
            over_budget: false,
            broken: false,
        }
    }

    /// Appends to the same diagnostics that the builder writes to.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Collections that are open.
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// The innermost `[` or `{` that is still open.
    pub(super) fn open_bracket(&self) -> Option<Span> {
        self.stack
            .last()
            .filter(|frame| frame.flow)
            .map(|frame| frame.span)
    }

    /// The anchor `id` is called `name`.
    pub(super) fn name_anchor(&mut self, id: usize, name: &str) {
        self.names.insert(id, name.to_owned());
    }

    pub(super) fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: Style,
        anchor: usize,
        tag: Tag,
        span: Span,
    ) {
        let typed = (style == Style::Plain && tag != Tag::Str) || tag == Tag::Typed;
        let node = if typed {
            let value = resolve_plain(&text);
            self.warn_of_date(&text, &value, span);
            let node = Node::new(span, value);
            if node.as_str().is_some() {
                node
            } else {
                node.with_source(Arc::<str>::from(text))
            }
        } else {
            Node::string(span, Arc::<str>::from(text)).with_style(style)
        };
        let node = match tag {
            Tag::Reference => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "reference-not-a-list",
                        span,
                        "a !reference needs a list of keys",
                    )
                    .with_help("write the path as a list: !reference [.setup, script]"),
                );
                Node::null(span)
            }
            Tag::Unknown(tag, tag_span) => {
                self.unknown_tag(&tag, tag_span);
                node
            }
            _ => node,
        };
        self.finish(node, anchor, 1, 0);
    }

    pub(super) fn open_sequence(&mut self, anchor: usize, tag: Tag, span: Span, flow: bool) {
        let reference = tag == Tag::Reference;
        if let Tag::Unknown(tag, tag_span) = tag {
            self.unknown_tag(&tag, tag_span);
        }
        self.open(
            anchor,
            (reference, flow),
            Content::Sequence(Vec::new()),
            span,
        );
    }

    pub(super) fn open_mapping(&mut self, anchor: usize, tag: Tag, span: Span, flow: bool) {
        match tag {
            Tag::Unknown(tag, tag_span) => self.unknown_tag(&tag, tag_span),
            Tag::Reference => self.diagnostics.push(
                Diagnostic::error(
                    "reference-not-a-list",
                    span,
                    "a !reference needs a list of keys",
                )
                .with_help("write the path as a list: !reference [.setup, script]"),
            ),
            _ => {}
        }
        let content = Content::Mapping {
            mapping: Mapping::new(),
            merged: BTreeSet::new(),
            key: None,
        };
        self.open(anchor, (false, flow), content, span);
    }

    fn open(
        &mut self,
        anchor: usize,
        (reference, flow): (bool, bool),
        content: Content,
        span: Span,
    ) {
        self.stack.push(Frame {
            span,
            anchor,
            reference,
            flow,
            size: 1,
            depth: 0,
            content,
        });
    }

    /// Ends the innermost collection at `end` (a byte offset), or at its last child where that is unknown.
    pub(super) fn close(&mut self, end: Option<u32>) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        let mut span = frame.span;
        span.end = end.unwrap_or(span.end).max(span.start);
        let value = match frame.content {
            Content::Sequence(items) if frame.reference => Value::Reference(items.into()),
            Content::Sequence(items) => Value::Sequence(items.into()),
            Content::Mapping { mut mapping, .. } => {
                mapping.shrink();
                Value::Mapping(Arc::new(mapping))
            }
        };
        self.finish(
            Node::new(span, value),
            frame.anchor,
            frame.size,
            frame.depth + 1,
        );
    }

    pub(super) fn alias(&mut self, id: usize, span: Span) {
        let found = self.anchors.get(&id).cloned();
        if found.is_none() {
            // Only an anchor whose node is still open is known to the parser but not yet here.
            self.diagnostics.push(
                Diagnostic::error(
                    "yaml-alias-cycle",
                    span,
                    "this alias stands inside of its own anchor",
                )
                .with_help("an anchored value can't contain itself"),
            );
        }
        self.expand(found, span);
    }

    pub(super) fn unresolved_alias(&mut self, name: &str, span: Span) {
        let found = self.named.get(name).cloned();
        if found.is_none() && !self.broken {
            let known = self.names.values().map(String::as_str);
            let help = did_you_mean(name, known).map_or_else(
                || {
                    "anchors are known only in their own file, below their definition (`&name`); quote the text if the \
                     `*` is meant literally"
                        .to_owned()
                },
                |near| format!("did you mean `*{near}`?"),
            );
            let message = format!("unknown anchor `{name}`");
            self.diagnostics
                .push(Diagnostic::error("yaml-unknown-anchor", span, message).with_help(help));
        }
        self.expand(found, span);
    }

    fn expand(&mut self, found: Option<Anchored>, span: Span) {
        let Some(Anchored { node, size, depth }) = found else {
            self.lost.insert(span);
            return self.finish(Node::null(span), 0, 1, 0);
        };
        self.alias_nodes = self.alias_nodes.saturating_add(size);
        if self.alias_nodes > self.limits.alias_nodes {
            if !std::mem::replace(&mut self.over_budget, true) {
                let message = format!(
                    "the aliases of this file stand for more than {} values",
                    self.limits.alias_nodes
                );
                self.diagnostics.push(
                    Diagnostic::error("yaml-too-many-aliases", span, message)
                        .with_help("repeat less: anchors of anchors multiply"),
                );
            }
            self.lost.insert(span);
            return self.finish(Node::null(span), 0, 1, 0);
        }
        if self.stack.len() + depth > self.limits.depth {
            self.diagnostics.push(too_deep(self.limits.depth, span));
            return self.finish(Node::null(span), 0, 1, 0);
        }
        self.finish(node, 0, size, depth);
    }

    /// A node is complete: it becomes an item, a key, a value or the root.
    fn finish(&mut self, node: Node, anchor: usize, size: usize, depth: usize) {
        if anchor != 0 {
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, size, depth });
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        frame.size = frame.size.saturating_add(size);
        frame.depth = frame.depth.max(depth);
        // An alias' node ends elsewhere, maybe in front of this collection.
        frame.span.end = frame.span.end.max(node.span().end);
        match &mut frame.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping {
                mapping,
                merged,
                key,
            } => match key.take() {
                None => *key = Some(make_key(&node, self.diagnostics)),
                Some(key) if key.merge => {
                    let sources = merge_sources(&node, &self.lost, &key, self.diagnostics);
                    merge(mapping, merged, &key, &sources, self.diagnostics);
                }
                Some(key) => set(mapping, merged, key, node, self.diagnostics),
            },
        }
    }

    /// The document that was read, null if it has no content. Anchors end with it.
    pub(super) fn take_document(&mut self, end: Span) -> Node {
        self.anchors.clear();
        self.names.clear();
        self.named.clear();
        self.alias_nodes = 0;
        self.broken = false;
        self.root.take().unwrap_or_else(|| Node::null(end))
    }

    /// Gives up what is incomplete, down to the document's own mapping, and returns the rest of it.
    pub(super) fn abandon(&mut self) -> Option<Node> {
        self.broken = true;
        self.stack.truncate(1);
        self.close(None);
        for (id, name) in std::mem::take(&mut self.names) {
            if let Some(anchored) = self.anchors.remove(&id) {
                self.named.insert(name, anchored);
            }
        }
        self.anchors.clear();
        self.root.take()
    }

    fn unknown_tag(&mut self, tag: &str, span: Span) {
        let help = match did_you_mean(tag.trim_start_matches('!'), ["reference"]) {
            Some(_) => "did you mean `!reference`?",
            None => {
                "the only tag of this language is `!reference`; quote the text if the `!` is meant literally"
            }
        };
        self.diagnostics.push(
            Diagnostic::error("yaml-unknown-tag", span, format!("unknown tag `{tag}`"))
                .with_help(help),
        );
    }

    fn warn_of_date(&mut self, text: &str, value: &Value, span: Span) {
        if matches!(value, Value::String(_)) && looks_like_date(text) {
            let message = format!("unquoted date `{text}` is read as a string");
            self.diagnostics.push(
                Diagnostic::warning("yaml-date", span, message)
                    .with_help("GitLab refuses an unquoted date; put it in quotes"),
            );
        }
    }
}

pub(super) fn too_deep(limit: usize, span: Span) -> Diagnostic {
    Diagnostic::error(
        "yaml-too-deep",
        span,
        format!("values are nested more than {limit} levels deep"),
    )
    .with_help("join lists and mappings instead of nesting them")
}

fn make_key(node: &Node, diagnostics: &mut Diagnostics) -> Key {
    let span = node.span();
    let text = match (node.value(), node.to_text()) {
        (Value::String(text), _) => Arc::clone(text),
        (_, Some(text)) => Arc::from(text),
        (_, None) => {
            diagnostics.push(
                Diagnostic::error(
                    "yaml-key",
                    span,
                    format!("a key must be a string, this one is {}", node.kind()),
                )
                .with_help("text that begins with `{` or `[` must be quoted"),
            );
            Arc::from("")
        }
    };
    let merge = &*text == "<<" && node.style() == Style::Plain;
    Key { text, span, merge }
}

/// An own key: the last of its name wins, and takes the place of a merged one without a word.
fn set(
    mapping: &mut Mapping,
    merged: &mut BTreeSet<Arc<str>>,
    key: Key,
    value: Node,
    diagnostics: &mut Diagnostics,
) {
    let entry = Entry {
        key_span: key.span,
        value,
    };
    let name = Arc::clone(&key.text);
    let old = mapping.insert(key.text, entry);
    let Some(old) = old.filter(|_| !merged.remove(&name)) else {
        return;
    };
    diagnostics.push(
        Diagnostic::warning(
            "yaml-duplicate-key",
            key.span,
            format!("key `{name}` is given twice, the last one wins"),
        )
        .with_label(old.key_span, "this one is lost"),
    );
}

/// The mappings that `<<` names, last one first; what is none is told, unless it is an alias that is told of already.
fn merge_sources<'n>(
    value: &'n Node,
    lost: &BTreeSet<Span>,
    key: &Key,
    diagnostics: &mut Diagnostics,
) -> Vec<&'n Mapping> {
    let sources = match value.value() {
        Value::Sequence(items) => &items[..],
        _ => std::slice::from_ref(value),
    };
    let told = |source: &Node| source.is_null() && lost.contains(&source.span());
    let mut mappings = Vec::with_capacity(sources.len());
    for source in sources.iter().rev().filter(|source| !told(source)) {
        if let Some(mapping) = source.as_mapping() {
            mappings.push(mapping);
            continue;
        }
        let message = format!("`<<` merges mappings, this is {}", source.kind());
        diagnostics.push(
            Diagnostic::error("yaml-merge-key", key.span, message)
                .with_help("give it an alias of a mapping, or a list of such: `<<: [*a, *b]`"),
        );
    }
    mappings
}

/// `<<`: shallow; of a list the earlier mappings win. As in Ruby, keys written above the merge key are
/// overridden by it, keys below it override it.
fn merge(
    mapping: &mut Mapping,
    merged: &mut BTreeSet<Arc<str>>,
    key: &Key,
    sources: &[&Mapping],
    diagnostics: &mut Diagnostics,
) {
    for (name, entry) in sources.iter().flat_map(|source| source.iter()) {
        let old = mapping.insert(Arc::clone(name), entry.clone());
        if let Some(old) = old.filter(|_| !merged.contains(name)) {
            diagnostics.push(overridden(name, old.key_span, key.span));
        }
        merged.insert(Arc::clone(name));
    }
}

fn overridden(name: &str, own: Span, merge_key: Span) -> Diagnostic {
    Diagnostic::warning(
        "yaml-merge-overrides",
        own,
        format!("key `{name}` is overridden by the merge key below it"),
    )
    .with_label(merge_key, "merged here")
    .with_help("as in Ruby's YAML the later one wins; put `<<` above the keys that are to win")
}
