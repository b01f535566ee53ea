//! The files that a composition reads, and those it lacks.

use std::{collections::BTreeMap, sync::Arc};

/// What a compilation wants to know. Whoever fetches it reads it at the pipeline's commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceRequest {
    /// A file of the repository: its path from the root, without a leading slash, `.` or `..`.
    Local(String),
    /// A template that ships with the program, by the name that `include:template` gives.
    Template(String),
    /// For `changes:compare_to`: the paths that changed since the merge base with this ref. They are answered in
    /// [`Context::compare_to`](crate::lang::context::Context::compare_to), and here only if there is no such ref.
    Changes(String),
    /// The names of all files of the tree. They are answered in [`Context::files`](crate::lang::context::Context::files).
    Files,
}

impl SourceRequest {
    /// How the file is called in diagnostics.
    pub fn name(&self) -> &str {
        match self {
            Self::Local(path) => path,
            Self::Template(name) | Self::Changes(name) => name,
            Self::Files => "the list of files",
        }
    }
}

/// The answers so far. An answer never changes: the composition starts over whenever more have come.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    answers: BTreeMap<SourceRequest, Option<Arc<[u8]>>>,
}

impl Sources {
    /// No answers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a request with the file's bytes, or with `None`: there is no such file.
    pub fn insert(&mut self, request: SourceRequest, bytes: Option<Vec<u8>>) {
        self.answers.insert(request, bytes.map(Arc::from));
    }

    /// The same, to build with.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        self.insert(SourceRequest::Local(path.to_owned()), Some(bytes));
        self
    }

    /// Whether the request has been answered.
    pub(in crate::lang) fn knows(&self, request: &SourceRequest) -> bool {
        self.answers.contains_key(request)
    }

    pub(super) fn get(&self, request: &SourceRequest) -> Answer<'_> {
        match self.answers.get(request) {
            None => Answer::Unknown,
            Some(None) => Answer::Missing,
            Some(Some(bytes)) => Answer::Bytes(bytes),
        }
    }
}

/// What is known of a source.
pub(super) enum Answer<'a> {
    /// Nobody has asked yet.
    Unknown,
    /// There is no such file.
    Missing,
    /// Its bytes.
    Bytes(&'a [u8]),
}
