//! What conditions and names of one job see.

use std::{borrow::Cow, cell::RefCell, collections::HashMap, sync::Arc};

use indexmap::IndexMap;

use super::{
    ExpansionError,
    reference::{Piece, Syntax, may_refer, pieces},
    resolve::{Lookup, Mode, Resolver, Source},
};
use crate::{
    lang::{
        expr::{Pattern, PatternError, Scope},
        model::Inherit,
    },
    plan::{PlanVariable, VariableOrigin},
};

/// A variable of a layer; values are shared between the jobs of a pipeline.
#[derive(Clone, Debug)]
pub(in crate::lang) struct Entry {
    pub(in crate::lang) value: Arc<str>,
    pub(in crate::lang) origin: VariableOrigin,
    pub(in crate::lang) raw: bool,
    pub(in crate::lang) file: bool,
    pub(in crate::lang) secret: bool,
}

impl Entry {
    /// A value without anything special about it.
    pub(in crate::lang) fn plain(value: impl Into<Arc<str>>, origin: VariableOrigin) -> Self {
        Self {
            value: value.into(),
            origin,
            raw: false,
            file: false,
            secret: false,
        }
    }

    fn source(&self) -> Source<'_> {
        Source {
            value: &self.value,
            raw: self.raw,
            file: self.file,
            secret: self.secret,
        }
    }

    fn may_refer(&self) -> bool {
        !self.raw && may_refer(&self.value)
    }

    fn to_plan(&self, key: &Arc<str>) -> PlanVariable {
        PlanVariable {
            key: Arc::clone(key),
            value: if self.secret {
                Arc::default()
            } else {
                Arc::clone(&self.value)
            },
            origin: self.origin,
            raw: self.raw,
            file: self.file,
            secret: self.secret,
        }
    }
}

/// Variables of one origin, in order.
pub(in crate::lang) type Layer = IndexMap<Arc<str>, Entry>;

/// The variables that all jobs of a pipeline share.
#[derive(Debug, Default)]
pub(in crate::lang) struct PipelineScope {
    /// Lowest.
    pub(in crate::lang) predefined: Layer,
    /// `variables` of the file, those of the matched workflow rule over them.
    pub(in crate::lang) global: Layer,
    /// From outside of the file; highest.
    pub(in crate::lang) given: Layer,
    /// Regular expressions that are variables' values.
    patterns: RefCell<HashMap<String, Result<Arc<Pattern>, PatternError>>>,
}

impl PipelineScope {
    pub(in crate::lang) fn new(predefined: Layer, global: Layer, given: Layer) -> Self {
        Self {
            predefined,
            global,
            given,
            patterns: RefCell::default(),
        }
    }
}

/// The variables of one job over those of its pipeline.
#[derive(Debug)]
pub(in crate::lang) struct JobScope<'a> {
    pipeline: &'a PipelineScope,
    inherit: &'a Inherit,
    /// `CI_JOB_NAME` and what else is predefined for this job alone.
    pub(in crate::lang) predefined: Layer,
    /// The job's `variables`, its rule's and its matrix values.
    pub(in crate::lang) own: Layer,
    resolver: Resolver,
}

impl<'a> JobScope<'a> {
    /// A scope without variables of its own: the pipeline's.
    pub(in crate::lang) fn new(pipeline: &'a PipelineScope, inherit: &'a Inherit) -> Self {
        Self {
            pipeline,
            inherit,
            predefined: Layer::new(),
            own: Layer::new(),
            resolver: Resolver::new(Mode::Evaluate),
        }
    }

    /// Forgets expanded values, after the layers were changed.
    pub(in crate::lang) fn refresh(&mut self) {
        self.resolver = Resolver::new(Mode::Evaluate);
    }

    fn inherits(&self, name: &str) -> bool {
        match self.inherit {
            Inherit::All => true,
            Inherit::None => false,
            Inherit::Only(names) => names.iter().any(|own| own == name),
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        let global = || {
            self.pipeline
                .global
                .get(name)
                .filter(|_| self.inherits(name))
        };
        self.pipeline
            .given
            .get(name)
            .or_else(|| self.own.get(name))
            .or_else(global)
            .or_else(|| self.predefined.get(name))
            .or_else(|| self.pipeline.predefined.get(name))
    }

    /// All layers, lowest first.
    fn layers(&self) -> [&Layer; 5] {
        [
            &self.pipeline.predefined,
            &self.predefined,
            &self.pipeline.global,
            &self.own,
            &self.pipeline.given,
        ]
    }

    /// All winners, lowest precedence first.
    fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        let layers = self.layers();
        let mut hidden = layers.map(|layer| vec![false; layer.len()]);
        for (at, lower) in layers.iter().enumerate() {
            for (above, higher) in layers.iter().enumerate().skip(at + 1) {
                for (place, name) in common(lower, higher) {
                    hidden[at][place] |= self.shows(above, name);
                }
            }
        }
        let layers = layers.into_iter().zip(hidden).enumerate();
        layers.flat_map(move |(at, (layer, hidden))| {
            let open = layer.iter().zip(hidden).filter(|(_, hidden)| !hidden);
            open.map(|(entry, _)| entry)
                .filter(move |(name, _)| self.shows(at, name))
        })
    }

    /// Whether this job sees the variable of the layer at that place of [`Self::entries`].
    fn shows(&self, layer: usize, name: &str) -> bool {
        const GLOBAL: usize = 2;
        layer != GLOBAL || self.inherits(name)
    }

    /// Expands everything once.
    ///
    /// # Errors
    ///
    /// Variables that refer to each other in a circle, or grow without measure.
    pub(in crate::lang) fn check(&self) -> Result<(), ExpansionError> {
        for layer in self.layers() {
            for (name, _) in layer.iter().filter(|(_, entry)| entry.may_refer()) {
                self.resolver.variable(name, self)?;
            }
        }
        Ok(())
    }

    /// A text of the file with its references replaced; what is undefined or would show a secret stays as written.
    pub(in crate::lang) fn expand(&self, text: &str) -> String {
        if !may_refer(text) {
            return text.to_owned();
        }
        pieces(text, Syntax::Server).fold(String::new(), |mut out, piece| {
            match piece {
                Piece::Text(text) | Piece::Escape(text) => out.push_str(text),
                Piece::Variable { name, text } => match self.resolver.variable(name, self) {
                    Ok(Some(inner)) if !inner.secret => out.push_str(&inner.value),
                    _ => out.push_str(text),
                },
            }
            out
        })
    }

    /// The variables as the plan holds them: unexpanded, lowest precedence first, secrets by name.
    pub(in crate::lang) fn to_plan(&self) -> Vec<PlanVariable> {
        self.entries()
            .map(|(name, entry)| entry.to_plan(name))
            .collect()
    }
}

/// The names that two layers share, with their places in the first. The pipeline's layers are long and a job's are
/// short, so the names of the shorter one are looked up in the longer.
fn common<'l>(layer: &'l Layer, other: &'l Layer) -> Vec<(usize, &'l str)> {
    if other.len() < layer.len() {
        let found = other.keys().filter_map(|name| layer.get_full(&**name));
        found.map(|(place, name, _)| (place, &**name)).collect()
    } else {
        let names = layer.keys().map(AsRef::as_ref).enumerate();
        names
            .filter(|(_, name)| other.contains_key(*name))
            .collect()
    }
}

impl Lookup for JobScope<'_> {
    fn find(&self, name: &str) -> Option<Source<'_>> {
        self.entry(name).map(Entry::source)
    }
}

impl Scope for JobScope<'_> {
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let entry = self.entry(name)?;
        if !entry.may_refer() {
            return Some(Cow::Borrowed(&entry.value));
        }
        let value = match self.resolver.variable(name, self) {
            Ok(Some(resolved)) => resolved.value.clone(),
            _ => entry.value.to_string(),
        };
        Some(Cow::Owned(value))
    }

    fn pattern(&self, text: &str) -> Result<Arc<Pattern>, PatternError> {
        let mut patterns = self.pipeline.patterns.borrow_mut();
        if let Some(known) = patterns.get(text) {
            return known.clone();
        }
        let pattern = Pattern::parse(text).map(Arc::new);
        patterns.insert(text.to_owned(), pattern.clone());
        pattern
    }
}
