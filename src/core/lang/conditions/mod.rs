//! Whether rules match: `if`, `changes`, `exists`, and the older `only` and `except`, in a context.
//!
//! Real pipelines repeat the same few conditions over hundreds of jobs, so each distinct text is compiled once and each
//! distinct path pattern is searched for once.

mod filter;
mod paths;
#[cfg(test)]
mod tests;

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use super::{
    compose::SourceRequest,
    context::Context,
    expr::{Expression, Pattern},
    instances::KeyPath,
    model::Rule,
    variables::JobScope,
};
use crate::{diag::Diagnostic, hash::HashMap};

/// Evaluates conditions in one context.
pub(super) struct Conditions<'m> {
    context: &'m Context,
    expressions: RefCell<HashMap<&'m str, Option<Rc<Expression>>>>,
    refs: RefCell<HashMap<&'m str, Option<Rc<Pattern>>>>,
    paths: paths::Paths,
    /// Takes down what the context doesn't know.
    lacking: &'m RefCell<BTreeSet<SourceRequest>>,
}

/// Why a job is in or out, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) included: bool,
    pub(super) reason: String,
}

impl<'m> Conditions<'m> {
    pub(super) fn new(context: &'m Context, lacking: &'m RefCell<BTreeSet<SourceRequest>>) -> Self {
        Self {
            context,
            expressions: RefCell::default(),
            refs: RefCell::default(),
            paths: paths::Paths::default(),
            lacking,
        }
    }

    /// The place of the first rule that matches.
    ///
    /// # Errors
    ///
    /// A condition that can't be evaluated in this context; `path` begins its message.
    pub(super) fn first_match(
        &self,
        rules: &'m [Rule],
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<Option<usize>, Box<Diagnostic>> {
        for (at, rule) in rules.iter().enumerate() {
            if self.matches(rule, scope, path)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// All conditions of a rule must hold; one without any always matches.
    fn matches(
        &self,
        rule: &'m Rule,
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<bool, Box<Diagnostic>> {
        if let Some(condition) = &rule.condition
            && !self.holds(&condition.value, scope)
        {
            return Ok(false);
        }
        if let Some(changes) = &rule.changes
            && !self.changed(changes, scope, path)?
        {
            return Ok(false);
        }
        match &rule.exists {
            Some(exists) => self.exists(exists, scope, path),
            None => Ok(true),
        }
    }

    /// Whether an expression is true; one that was refused already is false.
    fn holds(&self, text: &'m str, scope: &JobScope<'_>) -> bool {
        let expression = self
            .expressions
            .borrow_mut()
            .entry(text)
            .or_insert_with(|| Expression::parse(text).ok().map(Rc::new))
            .clone();
        expression.is_some_and(|expression| expression.is_true(scope))
    }
}

/// A rule's conditions in words.
pub(super) fn describe(rule: &Rule) -> String {
    let mut parts = Vec::new();
    if let Some(condition) = &rule.condition {
        parts.push(format!("if {}", condition.value));
    }
    if let Some(changes) = &rule.changes {
        parts.push(format!(
            "changes {}",
            list(changes.paths.iter().map(|path| path.value.as_str()))
        ));
    }
    if let Some(exists) = &rule.exists {
        parts.push(format!(
            "exists {}",
            list(exists.paths.iter().map(|path| path.value.as_str()))
        ));
    }
    if parts.is_empty() {
        return "without a condition".to_owned();
    }
    parts.join(" and ")
}

/// The first few of many.
fn list<'t>(texts: impl ExactSizeIterator<Item = &'t str>) -> String {
    const SHOWN: usize = 3;
    let more = texts.len().saturating_sub(SHOWN);
    let shown = texts.take(SHOWN).collect::<Vec<_>>().join(", ");
    match more {
        0 => shown,
        _ => format!("{shown} and {more} more"),
    }
}
