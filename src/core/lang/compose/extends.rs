//! `extends`: a job takes what it doesn't say itself from its bases.

use std::{collections::BTreeMap, sync::Arc};

use super::{Broken, merge::merge_into};
use crate::{
    diag::{Diagnostic, Diagnostics, Span, did_you_mean},
    lang::keys,
    yaml::{Mapping, Node},
};

/// Most levels of inheritance: a job with `extends`, its base with `extends`, and so on.
const MAX_LEVELS: usize = 11;

/// Unknown bases that get a suggestion: looking for one goes through all names.
const MAX_SUGGESTIONS: usize = 20;

/// Replaces every entry that has `extends` by its merged form. Jobs whose bases can't be found are noted as broken.
pub(super) fn resolve(root: &mut Mapping, broken: &mut Broken, diagnostics: &mut Diagnostics) {
    let mut extends = Extends {
        root,
        done: BTreeMap::new(),
        stack: Vec::new(),
        suggestions: MAX_SUGGESTIONS,
        broken,
        diagnostics,
    };
    let names: Vec<Arc<str>> = root
        .iter()
        .filter(|(name, entry)| extensible(name, &entry.value))
        .map(|(name, _)| Arc::clone(name))
        .collect();
    for name in &names {
        extends.resolved(name);
    }
    let done = extends.done;
    for (name, (value, _)) in done {
        if let Some(entry) = root.entry_mut(&name) {
            entry.value = value;
        }
    }
}

fn extensible(name: &str, value: &Node) -> bool {
    !keys::is_global(name, value) && value.get("extends").is_some_and(|bases| !bases.is_null())
}

struct Extends<'r> {
    root: &'r Mapping,
    /// Merged entries, and how many levels each one has.
    done: BTreeMap<Arc<str>, (Node, usize)>,
    stack: Vec<Arc<str>>,
    /// How many unknown bases still get one.
    suggestions: usize,
    broken: &'r mut Broken,
    diagnostics: &'r mut Diagnostics,
}

impl Extends<'_> {
    /// The merged form of an extensible entry and its levels; `None` while it is being made, or when it is hopeless.
    fn resolved(&mut self, name: &Arc<str>) -> Option<(Node, usize)> {
        if let Some(done) = self.done.get(name) {
            return Some(done.clone());
        }
        let entry = self.root.entry(name)?;
        let own = entry.value.as_mapping()?;
        let bases = self.bases(name, own)?;
        self.stack.push(Arc::clone(name));
        let mut merged: Option<Mapping> = None;
        let mut levels = 1;
        for base in &bases {
            match self.base(name, base) {
                Some((mapping, deeper)) => {
                    match &mut merged {
                        Some(merged) => merge_into(merged, &mapping),
                        None => merged = Some(mapping.with_room_for(own.len())),
                    }
                    levels = levels.max(deeper + 1);
                }
                None => self.broken.mark(name),
            }
        }
        self.stack.pop();
        let mut merged = merged.unwrap_or_default();
        merge_into(&mut merged, own);
        let result = (Node::mapping(entry.value.span(), merged), levels);
        if levels > MAX_LEVELS {
            let place = bases.first().map_or(entry.key_span, |(_, span)| *span);
            self.too_deep(name, place);
        }
        self.done.insert(Arc::clone(name), result.clone());
        Some(result)
    }

    /// A base, ready to be merged, and its levels.
    fn base(
        &mut self,
        name: &str,
        (base, span): &(Arc<str>, Span),
    ) -> Option<(Arc<Mapping>, usize)> {
        if let Some(at) = self.stack.iter().position(|known| known == base) {
            let chain = self.stack[at..].iter().map(AsRef::as_ref).chain([&**base]);
            let chain = chain.collect::<Vec<&str>>().join(" → ");
            self.error(
                "extends-cycle",
                *span,
                name,
                &format!("circular `extends`: {chain}"),
            );
            return None;
        }
        if self.stack.len() > MAX_LEVELS {
            self.too_deep(name, *span);
            return None;
        }
        let Some((key, entry)) = self
            .root
            .full_entry(base)
            .filter(|(_, entry)| !keys::is_global(base, &entry.value))
        else {
            self.unknown(name, base, *span);
            return None;
        };
        if entry.value.as_mapping().is_none() {
            let message = format!(
                "`extends` needs a job, but `{base}` is {}",
                entry.value.kind()
            );
            let problem = Diagnostic::error("extends-not-a-job", *span, prefixed(name, &message))
                .with_label(entry.key_span, "defined here");
            self.diagnostics.push(problem);
            return None;
        }
        if extensible(base, &entry.value) {
            let key = Arc::clone(key);
            let (node, levels) = self.resolved(&key)?;
            self.inherit_damage(name, base);
            return Some((node.mapping_handle()?, levels));
        }
        let mapping = entry.value.mapping_handle()?;
        self.inherit_damage(name, base);
        Some((mapping, 0))
    }

    fn inherit_damage(&mut self, name: &str, base: &str) {
        if self.broken.contains(base) {
            self.broken.mark(name);
        }
    }

    /// The names in `extends`, with their places.
    fn bases(&mut self, name: &str, own: &Mapping) -> Option<Vec<(Arc<str>, Span)>> {
        let value = own.get("extends")?;
        let items = value.as_sequence().unwrap_or(std::slice::from_ref(value));
        let mut bases = Vec::with_capacity(items.len());
        for item in items {
            if let Some(base) = item.as_str() {
                bases.push((Arc::from(base), item.span()));
            } else {
                let message = format!("`extends` takes names of jobs, not {}", item.kind());
                self.error("extends-type", item.span(), name, &message);
                self.broken.mark(name);
            }
        }
        Some(bases)
    }

    fn unknown(&mut self, name: &str, base: &str, span: Span) {
        let candidates = self
            .root
            .iter()
            .filter(|(key, entry)| &***key != name && !keys::is_global(key, &entry.value))
            .map(|(key, _)| &**key);
        let near = (self.suggestions > 0)
            .then(|| did_you_mean(base, candidates))
            .flatten();
        self.suggestions = self.suggestions.saturating_sub(1);
        let help = near.map_or_else(
            || {
                "the base must be a job of this file or of an included one; a hidden one starts with a dot"
                    .to_owned()
            },
            |near| format!("did you mean `{near}`?"),
        );
        let message = prefixed(name, &format!("unknown base `{base}`"));
        self.diagnostics
            .push(Diagnostic::error("extends-unknown", span, message).with_help(help));
    }

    fn too_deep(&mut self, name: &str, span: Span) {
        let message = format!("`extends` goes deeper than {MAX_LEVELS} levels");
        self.error("extends-too-deep", span, name, &message);
        self.broken.mark(name);
    }

    fn error(&mut self, code: &'static str, span: Span, name: &str, message: &str) {
        let message = prefixed(name, message);
        self.diagnostics
            .push(Diagnostic::error(code, span, message));
    }
}

fn prefixed(name: &str, message: &str) -> String {
    format!("jobs:{name}:extends {message}")
}
