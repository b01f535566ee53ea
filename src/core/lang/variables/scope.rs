//! What conditions and names of one job see.

use std::{borrow::Cow, cell::RefCell, sync::Arc};

use super::{
    ExpansionError,
    reference::{Piece, Syntax, may_refer, pieces},
    resolve::{Lookup, Mode, Resolver, Source},
};
use crate::{
    hash::{HashMap, IndexMap},
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

    /// The names whose values may refer to others. Most don't, and every job asks.
    pub(in crate::lang) fn referring(&self) -> Vec<Arc<str>> {
        [&self.predefined, &self.global, &self.given]
            .into_iter()
            .flatten()
            .filter(|(_, entry)| entry.may_refer())
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// What is predefined, as the plan holds it.
    pub(in crate::lang) fn to_plan(&self) -> Vec<PlanVariable> {
        let predefined = self.predefined.iter();
        predefined
            .map(|(name, entry)| entry.to_plan(name))
            .collect()
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
            predefined: Layer::default(),
            own: Layer::default(),
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

    /// The layers above what is predefined for the whole pipeline, lowest first.
    fn layers(&self) -> [&Layer; 4] {
        [
            &self.predefined,
            &self.pipeline.global,
            &self.own,
            &self.pipeline.given,
        ]
    }

    /// The winners among [`Self::layers`], lowest precedence first.
    fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        let layers = self.layers();
        (0..layers.len()).flat_map(move |at| {
            let hidden = move |name: &str| {
                (at + 1..layers.len())
                    .any(|above| layers[above].contains_key(name) && self.shows(above, name))
            };
            let layer = layers[at].iter();
            layer.filter(move |(name, _)| self.shows(at, name) && !hidden(name))
        })
    }

    /// Whether this job sees a variable of the layer at that place of [`Self::layers`].
    fn shows(&self, layer: usize, name: &str) -> bool {
        const GLOBAL: usize = 1;
        layer != GLOBAL || self.inherits(name)
    }

    /// Expands everything once; `shared` are the [`PipelineScope::referring`] of this scope's pipeline.
    ///
    /// # Errors
    ///
    /// Variables that refer to each other in a circle, or grow without measure.
    pub(in crate::lang) fn check(&self, shared: &[Arc<str>]) -> Result<(), ExpansionError> {
        let own = [&self.predefined, &self.own].into_iter().flatten();
        let own = own.filter(|(_, entry)| entry.may_refer());
        for name in shared.iter().chain(own.map(|(name, _)| name)) {
            self.resolver.variable(name, self)?;
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

    /// The variables above [`PipelineScope::to_plan`] as the plan holds them: unexpanded, lowest precedence first, secrets
    /// by name.
    pub(in crate::lang) fn to_plan(&self) -> Vec<PlanVariable> {
        self.entries()
            .map(|(name, entry)| entry.to_plan(name))
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
