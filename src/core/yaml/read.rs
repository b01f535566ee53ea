//! Text to tree, through the event parser: the only file that names it.

use granit_parser::{
    ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span as ParserSpan, StructureStyle,
    Tag as ParserTag,
};

use super::{
    Entry, Mapping, Node, Style,
    explain::{SyntaxError, explain},
    tree::{Tag, TreeBuilder, too_deep},
};
use crate::diag::{Diagnostic, Diagnostics, FileId, Span};

/// Bounds of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest text that is read, in bytes.
    pub bytes: usize,
    /// Deepest nesting.
    pub depth: usize,
    /// Most values that all aliases of a document together may stand for.
    pub alias_nodes: usize,
}

impl Limits {
    /// Those of the pipeline language: GitLab's 2 MiB and 100 levels, and a bound on aliases of aliases.
    pub const LANGUAGE: Self = Self {
        bytes: 2 * 1024 * 1024,
        depth: 100,
        alias_nodes: 200_000,
    };
}

/// What was understood of a file.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The documents, separated by `---`; an empty file has none. After a syntax error a document holds what is
    /// complete of it.
    pub documents: Vec<Node>,
    /// All that is wrong or odd.
    pub diagnostics: Diagnostics,
}

/// After so many syntax errors the file is probably no YAML at all.
const MAX_SYNTAX_ERRORS: usize = 20;

/// Bytes to text: a UTF-8 byte order mark is dropped, every invalid sequence becomes U+FFFD, and the offset of the
/// first one (in the returned text) is told.
pub fn decode(bytes: &[u8]) -> (String, Option<u32>) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            (text, Some(error.valid_up_to() as u32))
        }
    }
}

/// Reads the documents of a pipeline file.
pub fn read(file: FileId, text: &str, limits: Limits) -> Read {
    let mut diagnostics = Diagnostics::new();
    if let Some(refusal) = refuse(file, text, limits) {
        diagnostics.push(refusal);
        return Read {
            documents: Vec::new(),
            diagnostics,
        };
    }
    let mut reader = Reader {
        file,
        text,
        limits,
        documents: Vec::new(),
        continues: false,
        tree: TreeBuilder::new(limits, &mut diagnostics),
    };
    reader.run();
    let documents = reader.documents;
    Read {
        documents,
        diagnostics,
    }
}

/// What can't be YAML at all is said without looking further.
fn refuse(file: FileId, text: &str, limits: Limits) -> Option<Diagnostic> {
    let at = |start: usize, end: usize| Span {
        file,
        start: start as u32,
        end: end as u32,
    };
    if text.len() > limits.bytes {
        return Some(too_large(file, limits));
    }
    let legal = |found: char| matches!(found, '\t' | '\n' | '\r' | '\u{85}') || !found.is_control();
    let (offset, found) = text.char_indices().find(|(_, found)| !legal(*found))?;
    let message = format!(
        "control character U+{:04X} is not allowed",
        u32::from(found)
    );
    Some(
        Diagnostic::error(
            "yaml-control-character",
            at(offset, offset + found.len_utf8()),
            message,
        )
        .with_help("in double quotes it can be written as an escape: \"\\x1b\""),
    )
}

/// What is said of a file that is longer than its limit; whoever finds that out need not read all of it.
pub fn too_large(file: FileId, limits: Limits) -> Diagnostic {
    let start = Span {
        file,
        ..Span::default()
    };
    let message = format!(
        "the file is longer than the {} bytes that are read",
        limits.bytes
    );
    Diagnostic::error("yaml-too-large", start, message)
        .with_help("split it and join the parts with `include`")
}

struct Reader<'t, 'd> {
    file: FileId,
    text: &'t str,
    limits: Limits,
    documents: Vec<Node>,
    /// The next document goes on with the last one: an error stood between them.
    continues: bool,
    tree: TreeBuilder<'d>,
}

impl Reader<'_, '_> {
    /// Reads on behind a syntax error, at the next line that starts a key of its own, so that one mistake doesn't
    /// hide the others.
    fn run(&mut self) {
        let mut start = 0;
        for _ in 0..MAX_SYNTAX_ERRORS {
            let Err((error, offset)) = self.part(start) else {
                return;
            };
            let behind = offset;
            let (error, offset) = self.blame_bracket(error, offset);
            if error == SyntaxError::Depth {
                let span = self.span(offset, offset);
                self.tree.report(too_deep(self.limits.depth, span));
            } else {
                self.tree
                    .report(explain(&error, self.file, self.text, offset));
            }
            if let Some(rest) = self.tree.abandon() {
                self.add(rest);
            }
            self.continues = true;
            match next_key(self.text, behind) {
                Some(next) => start = next,
                None => return,
            }
        }
    }

    /// Reads from `base` to the end or to the first error.
    fn part(&mut self, base: usize) -> Result<(), (SyntaxError, usize)> {
        let mut parser = Parser::new_from_str_with_options(&self.text[base..], self.options());
        while let Some(event) = parser.next_event() {
            let (event, place) = event.map_err(|error| syntax_error(&error, base))?;
            self.event(event, &place, base);
            if self.tree.depth() > self.limits.depth {
                return Err((SyntaxError::Depth, base + byte(place.start)));
            }
        }
        Ok(())
    }

    /// What looks wrong inside of brackets that opened on an earlier line is their missing end.
    fn blame_bracket(&self, error: SyntaxError, offset: usize) -> (SyntaxError, usize) {
        let Some(open) = self.tree.open_bracket() else {
            return (error, offset);
        };
        let start = open.start as usize;
        let same_line = !self
            .text
            .get(start..offset)
            .is_some_and(|between| between.contains('\n'));
        match (&error, self.text[start..].chars().next()) {
            (SyntaxError::Colon | SyntaxError::Other(_), Some(bracket)) if !same_line => {
                (SyntaxError::OpenBracket(bracket), start)
            }
            _ => (error, offset),
        }
    }

    fn options(&self) -> Options {
        granit_parser::options! {
            block_scalar_eof_without_line_feed: true,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            flow_nesting_limit: self.limits.depth + 1,
            block_nesting_limit: self.limits.depth + 1,
        }
    }

    fn event(&mut self, event: Event<'_>, place: &ParserSpan, base: usize) {
        let span = self.span(base + byte(place.start), base + byte(place.end));
        let tag = |tag: Option<&ParserTag>| self.tag(tag, place, base);
        match event {
            Event::Scalar(text, style, anchor, parser_tag) => {
                let tag = tag(parser_tag.as_deref());
                let implicit = span.start == span.end && style == ScalarStyle::Plain;
                let text = if implicit { "".into() } else { text };
                self.tree.scalar(text, own_style(style), anchor, tag, span);
            }
            Event::SequenceStart(style, anchor, parser_tag) => {
                let tag = tag(parser_tag.as_deref());
                let flow = style == StructureStyle::Flow;
                self.tree.open_sequence(anchor, tag, span, flow);
            }
            Event::MappingStart(style, anchor, parser_tag) => {
                let tag = tag(parser_tag.as_deref());
                let flow = style == StructureStyle::Flow;
                self.tree.open_mapping(anchor, tag, span, flow);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                // A block collection ends without a character of its own, at whatever follows it.
                self.tree.close((span.start < span.end).then_some(span.end));
            }
            Event::Alias(id) => self.tree.alias(id, span),
            Event::UnresolvedAlias(name) => self.tree.unresolved_alias(&name, span),
            Event::Anchor(id, name) => self.tree.name_anchor(id, &name),
            Event::DocumentEnd => {
                let document = self.tree.take_document(span);
                self.add(document);
            }
            _ => {}
        }
    }

    fn add(&mut self, document: Node) {
        if std::mem::take(&mut self.continues)
            && let Some(last) = self.documents.last_mut()
            && let (Some(known), Some(more)) = (last.as_mapping(), document.as_mapping())
        {
            *last = Node::mapping(last.span(), joined(known, more));
        } else {
            self.documents.push(document);
        }
    }

    fn tag(&self, tag: Option<&ParserTag>, place: &ParserSpan, base: usize) -> Tag {
        let Some(tag) = tag else {
            return Tag::None;
        };
        if tag.parts() == ("!", "reference") {
            return Tag::Reference;
        }
        match tag.core_suffix() {
            Some("str") => Tag::Str,
            Some("map" | "seq") => Tag::None,
            Some(_) => Tag::Typed,
            None if tag.original() == "!" => Tag::Str,
            None => {
                let span = place.tag_span().map_or_else(
                    || self.span(base + byte(place.start), base + byte(place.end)),
                    |tag| self.span(base + byte(tag.start), base + byte(tag.end)),
                );
                Tag::Unknown(tag.original(), span)
            }
        }
    }

    const fn span(&self, start: usize, end: usize) -> Span {
        Span {
            file: self.file,
            start: start as u32,
            end: end as u32,
        }
    }
}

fn joined(known: &Mapping, more: &Mapping) -> Mapping {
    let all = known.iter().chain(more.iter());
    all.map(|(key, entry): (_, &Entry)| (key.clone(), entry.clone()))
        .collect()
}

fn byte(marker: granit_parser::Marker) -> usize {
    marker.byte_offset().unwrap_or_else(|| marker.index())
}

const fn own_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}

/// The next line behind `offset` that begins in the first column with something like a key.
fn next_key(text: &str, offset: usize) -> Option<usize> {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    loop {
        at += text[at..].find('\n')? + 1;
        let line = text[at..].split(['\n', '\r']).next().unwrap_or("");
        let starts_key = line.starts_with(|first: char| {
            first.is_alphanumeric() || matches!(first, '.' | '_' | '"' | '\'' | '$')
        });
        if line.starts_with("---") || (starts_key && line.contains(':')) {
            return Some(at);
        }
    }
}

fn syntax_error(error: &ScanError, base: usize) -> (SyntaxError, usize) {
    let kind = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => SyntaxError::Tab,
        ErrorKind::UnexpectedCharacter { character } => SyntaxError::Character(*character),
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidMappingValueWhitespace => SyntaxError::Colon,
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            SyntaxError::OpenQuote
        }
        ErrorKind::UnclosedFlowCollection { open } => SyntaxError::OpenBracket(*open),
        ErrorKind::UnexpectedEofFlowSequence => SyntaxError::OpenBracket('['),
        ErrorKind::UnexpectedEofFlowMapping => SyntaxError::OpenBracket('{'),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => SyntaxError::WrongBracket {
            open: *open,
            close: *close,
        },
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidFlowScalarIndent => SyntaxError::Indentation,
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => SyntaxError::AfterQuote,
        ErrorKind::UnknownQuotedScalarEscape => SyntaxError::Escape,
        ErrorKind::BlockSequenceEntryNotAllowed => SyntaxError::ItemBehindKey,
        ErrorKind::RecursionLimitExceeded => SyntaxError::Depth,
        other => SyntaxError::Other(other.to_string()),
    };
    (kind, base + byte(*error.marker()))
}
