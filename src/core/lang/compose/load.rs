//! One file: bytes to text, text to documents, documents to content with its inputs in place.

use super::{
    Composer, SourceRequest,
    include::is_blank,
    inputs::{self, Blocks, Given},
    sources::Answer,
};
use crate::{
    diag::{Diagnostic, FileId, SourceFile, Span},
    yaml::{self, Limits, Mapping, Node},
};

/// A file that was read, for all its uses.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    file: FileId,
    /// The document with `spec`, if there is one.
    header: Option<Node>,
    /// The pipeline's part.
    content: Node,
    /// Its interpolation blocks, which the nodes still name by number.
    blocks: Option<Blocks>,
    /// Not all of it could be read, which has been told.
    damaged: bool,
}

impl Composer<'_> {
    /// Reads a file once. `None` if it can't be had: told, or asked for.
    pub(super) fn load(&mut self, request: &SourceRequest, place: Option<Span>) -> Option<()> {
        if let Some(loaded) = self.loaded.get(request) {
            return loaded.is_some().then_some(());
        }
        let sources = self.sources;
        match sources.get(request) {
            Answer::Unknown => {
                self.lacking.insert(request.clone());
                None
            }
            // The name that was meant may be among those that are there.
            Answer::Missing if place.is_some() && self.context.files.is_none() => {
                self.lacking.insert(SourceRequest::Files);
                None
            }
            Answer::Missing => {
                self.complete = false;
                let problem = self.missing_file(request, place);
                self.diagnostics.push(problem);
                None
            }
            Answer::Bytes(bytes) => {
                let loaded = self.read(request, bytes);
                let found = loaded.is_some().then_some(());
                self.loaded.insert(request.clone(), loaded);
                found
            }
        }
    }

    fn read(&mut self, request: &SourceRequest, bytes: &[u8]) -> Option<Loaded> {
        let limits = Limits::LANGUAGE;
        if bytes.len() > limits.bytes {
            let file = self.map.add(SourceFile::new(request.name(), ""));
            self.fail(yaml::too_large(file, limits));
            return None;
        }
        let (text, invalid) = yaml::decode(bytes);
        let file = self.map.add(SourceFile::new(request.name(), text.as_str()));
        if let Some(offset) = invalid {
            let span = Span {
                file,
                start: offset,
                end: offset + char::REPLACEMENT_CHARACTER.len_utf8() as u32,
            };
            self.fail(
                Diagnostic::error(
                    "invalid-utf8",
                    span,
                    "the file is not valid UTF-8 from here on",
                )
                .with_help("save it as UTF-8"),
            );
        }
        let masked = inputs::mask(file, &text);
        let read_text = masked.as_ref().map_or(&text, |(masked, _)| masked);
        let read = yaml::read(file, read_text, limits);
        let damaged = read.diagnostics.has_errors();
        self.complete &= !damaged;
        self.diagnostics.extend(read.diagnostics.into_vec());
        let blocks = masked.map(|(_, blocks)| blocks);
        let loaded = self.split(file, read.documents, blocks);
        Some(Loaded { damaged, ..loaded })
    }

    /// Header and content.
    fn split(&mut self, file: FileId, documents: Vec<Node>, blocks: Option<Blocks>) -> Loaded {
        let has_header = documents.len() > 1
            && documents
                .first()
                .and_then(Node::as_mapping)
                .is_some_and(|first| first.contains("spec"));
        let used = if has_header { 2 } else { 1 };
        if let Some(surplus) = documents.get(used) {
            let problem = Diagnostic::warning(
                "yaml-documents",
                surplus.span(),
                "only one document of a file is used, and a header with `spec` before it",
            );
            self.diagnostics.push(problem);
        }
        let mut documents = documents.into_iter();
        let header = if has_header { documents.next() } else { None };
        let nothing = Span {
            file,
            ..Span::default()
        };
        Loaded {
            file,
            header,
            content: documents.next().unwrap_or_else(|| Node::null(nothing)),
            blocks,
            damaged: false,
        }
    }

    /// The content of a file that was loaded, for one use of it.
    pub(super) fn content(&mut self, request: &SourceRequest, given: &Given) -> Option<Mapping> {
        let loaded = self.loaded.get(request)?.clone()?;
        let node = self.interpolated(&loaded, given);
        if is_blank(&node) && loaded.damaged {
            return None;
        }
        if is_blank(&node) {
            let span = given.place.unwrap_or_else(|| node.span());
            let message = format!("the file `{}` is empty", request.name());
            self.fail(Diagnostic::error("file-empty", span, message));
            return None;
        }
        let Some(mapping) = node.as_mapping() else {
            let message = format!("a pipeline file must be a mapping, this is {}", node.kind());
            self.fail(
                Diagnostic::error("file-type", node.span(), message).with_help(
                    "begin with a job: a name, a colon, and its keywords indented below",
                ),
            );
            return None;
        };
        Some(mapping.clone())
    }

    fn interpolated(&mut self, loaded: &Loaded, given: &Given) -> Node {
        let empty = Blocks::default();
        let blocks = loaded.blocks.as_ref().unwrap_or(&empty);
        let errors = self.diagnostics.error_count();
        let bound = if let Some(header) = &loaded.header {
            let header =
                inputs::interpolate(header, blocks, None, self.variables, &mut self.diagnostics);
            Some(inputs::resolve(
                &header,
                given,
                self.variables,
                &mut self.diagnostics,
            ))
        } else {
            self.inputs_without_header(loaded, given);
            None
        };
        let node = match loaded.blocks {
            Some(_) => inputs::interpolate(
                &loaded.content,
                blocks,
                bound.as_ref(),
                self.variables,
                &mut self.diagnostics,
            ),
            None => loaded.content.clone(),
        };
        self.complete &= self.diagnostics.error_count() == errors;
        node
    }

    fn inputs_without_header(&mut self, loaded: &Loaded, given: &Given) {
        let Some((name, value)) = given.values.first() else {
            return;
        };
        let message = format!("unknown input `{name}`: the file declares none");
        let problem = match given.place {
            Some(_) => Diagnostic::error("input-unknown", value.span(), message),
            None => Diagnostic::without_place("input-unknown", message),
        };
        let top = Span {
            file: loaded.file,
            ..Span::default()
        };
        self.diagnostics.push(
            problem
                .with_label(top, "no `spec:inputs` here")
                .with_help("a file declares its inputs in `spec:inputs`, before `---`"),
        );
    }

    /// An error that leaves the pipeline incomplete: what later phases would find missing may only be unread.
    pub(super) fn fail(&mut self, problem: Diagnostic) {
        self.complete = false;
        self.diagnostics.push(problem);
    }
}
