//! From files to one tree: inputs, `include`, the merge, `!reference`, `extends`, `default`, in this order
//! (pipeline-yaml sections 1, 4 and 5).
//!
//! Pure: whatever it lacks it asks for, and starts over once it is there. Nothing here knows what a keyword of a
//! job means, beyond those that compose.

mod defaults;
mod extends;
mod help;
mod include;
mod inputs;
mod load;
mod merge;
mod reference;
mod size;
mod sources;
#[cfg(test)]
mod tests;
mod variables;

pub use sources::{SourceRequest, Sources};

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::{context::Context, keys::GLOBAL};
use crate::{
    diag::{Diagnostics, SourceMap, Span},
    yaml::{Mapping, Node},
};
use load::Loaded;
use variables::Variables;

/// What to compose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Composition<'a> {
    /// Path of the entry file from the repository's root.
    pub(super) entry: &'a str,
    /// Inputs of the pipeline, as texts.
    pub(super) inputs: &'a IndexMap<String, String>,
    /// What the pipeline is made for: variables, files and changes decide what is included.
    pub(super) context: &'a Context,
}

/// The outcome of a composition.
#[derive(Clone, Debug)]
pub(super) struct Composed {
    /// The whole pipeline as one mapping, as far as it could be composed.
    pub(super) root: Node,
    /// Whether all of it is there: after a syntax error or a missing file much may seem missing that is not.
    pub(super) complete: bool,
    /// Jobs that lack a base: what they seem to lack themselves may stand there.
    pub(super) broken: Broken,
    /// The files that were read.
    pub(super) sources: SourceMap,
    /// What was found on the way.
    pub(super) diagnostics: Diagnostics,
}

/// Names of jobs that could not be completed.
#[derive(Clone, Debug, Default)]
pub(super) struct Broken(BTreeSet<String>);

impl Broken {
    fn mark(&mut self, job: &str) {
        self.0.insert(job.to_owned());
    }

    /// Whether it is one of them.
    pub(super) fn contains(&self, job: &str) -> bool {
        self.0.contains(job)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there are some, and no key of the whole pipeline is among them, without which each job may seem wrong.
    pub(super) fn is_only_jobs(&self) -> bool {
        !self.is_empty() && !GLOBAL.iter().any(|name| self.contains(name))
    }
}

/// Composes, or says which sources it lacks: all that can be known of at once.
pub(super) fn compose(
    request: Composition<'_>,
    sources: &Sources,
) -> Result<Composed, Vec<SourceRequest>> {
    let variables = Variables::of(request.context);
    let mut composer = Composer {
        context: request.context,
        variables: &variables,
        sources,
        map: SourceMap::default(),
        diagnostics: Diagnostics::new(),
        loaded: BTreeMap::new(),
        lacking: BTreeSet::new(),
        chain: Vec::new(),
        included: 0,
        complete: true,
    };
    let entry = SourceRequest::Local(request.entry.to_owned());
    let given = inputs::from_texts(request.inputs);
    let content = composer.file(&entry, &given);
    if !composer.lacking.is_empty() {
        return Err(composer.lacking.into_iter().collect());
    }
    Ok(composer.finish(content))
}

/// The state of one composition.
struct Composer<'a> {
    context: &'a Context,
    variables: &'a Variables,
    sources: &'a Sources,
    map: SourceMap,
    diagnostics: Diagnostics,
    /// Every file is read once; `None` if that failed.
    loaded: BTreeMap<SourceRequest, Option<Loaded>>,
    lacking: BTreeSet<SourceRequest>,
    /// The files, with their inputs, that include each other down to the one in hand.
    chain: Vec<(SourceRequest, Vec<(String, Node)>)>,
    /// Uses of files so far, without the entry file.
    included: usize,
    complete: bool,
}

impl Composer<'_> {
    /// What follows once all files are merged.
    fn finish(mut self, content: Option<Mapping>) -> Composed {
        let complete = self.complete && content.is_some();
        let mut root = content.unwrap_or_default();
        let mut broken = Broken::default();
        if complete {
            root = reference::resolve(&root, &mut broken, &mut self.diagnostics);
            extends::resolve(&mut root, &mut broken, &mut self.diagnostics);
            defaults::apply(&mut root);
            self.complete = size::check(&root, &mut self.diagnostics);
        }
        let place = root
            .iter()
            .next()
            .map_or_else(Span::default, |(_, entry)| entry.key_span);
        self.diagnostics.update(help::complete);
        Composed {
            root: Node::mapping(place, root),
            complete: complete && self.complete,
            broken,
            sources: self.map,
            diagnostics: self.diagnostics,
        }
    }
}
