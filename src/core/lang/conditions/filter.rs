//! `only` and `except` (pipeline-yaml section 3): the older way to choose jobs.

use std::rc::Rc;

use super::{Conditions, Verdict};
use crate::{
    diag::Diagnostic,
    lang::{
        context::RefKind,
        expr::Pattern,
        instances::{KeyPath, path},
        model::{Filter, Job, Spanned},
        variables::JobScope,
    },
};

/// What an absent `only` means, and an `only` without `refs`.
const DEFAULT_REFS: [&str; 2] = ["branches", "tags"];

impl<'m> Conditions<'m> {
    /// Whether a job without `rules` is in. With `workflow:rules` a job without `only` has no default filter.
    pub(in crate::lang) fn filter(
        &self,
        job: &'m Job,
        scope: &JobScope<'_>,
        workflow_rules: bool,
    ) -> Result<Verdict, Box<Diagnostic>> {
        let out = |reason: String| {
            Ok(Verdict {
                included: false,
                reason,
            })
        };
        match &job.only {
            Some(only) => {
                if let Some(part) = self.only_fails(only, scope, path(job, "only"))? {
                    return out(format!("only:{part} doesn't match"));
                }
            }
            None if !workflow_rules && !DEFAULT_REFS.iter().any(|name| self.is_keyword(name)) => {
                return out(
                    "without rules or only, jobs run for branches and tags alone".to_owned(),
                );
            }
            None => {}
        }
        if let Some(except) = &job.except
            && let Some(part) = self.except_matches(except, scope, path(job, "except"))?
        {
            return out(format!("except:{part} matches"));
        }
        let reason = match (&job.only, &job.except) {
            (Some(_), _) => "only matches",
            (None, Some(_)) => "except doesn't match",
            (None, None) => "no rules",
        };
        Ok(Verdict {
            included: true,
            reason: reason.to_owned(),
        })
    }

    /// The first part of `only` that doesn't hold; all must.
    fn only_fails(
        &self,
        only: &'m Filter,
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<Option<&'static str>, Box<Diagnostic>> {
        let refs = match &only.refs {
            Some(refs) => self.any_ref(refs),
            None => DEFAULT_REFS.iter().any(|name| self.is_keyword(name)),
        };
        if !refs {
            return Ok(Some("refs"));
        }
        if only.kubernetes {
            return Ok(Some("kubernetes"));
        }
        if let Some(variables) = &only.variables
            && !self.any_true(variables, scope)
        {
            return Ok(Some("variables"));
        }
        if let Some(changes) = &only.changes
            && !self.filter_changed(changes, scope, path)?
        {
            return Ok(Some("changes"));
        }
        Ok(None)
    }

    /// The first part of `except` that holds; one is enough. No project here has a cluster of its own.
    fn except_matches(
        &self,
        except: &'m Filter,
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<Option<&'static str>, Box<Diagnostic>> {
        if except.refs.as_ref().is_some_and(|refs| self.any_ref(refs)) {
            return Ok(Some("refs"));
        }
        if except
            .variables
            .as_ref()
            .is_some_and(|variables| self.any_true(variables, scope))
        {
            return Ok(Some("variables"));
        }
        if let Some(changes) = &except.changes
            && self.filter_changed(changes, scope, path)?
        {
            return Ok(Some("changes"));
        }
        Ok(None)
    }

    fn any_true(&self, expressions: &'m [Spanned<String>], scope: &JobScope<'_>) -> bool {
        expressions
            .iter()
            .any(|expression| self.holds(&expression.value, scope))
    }

    fn any_ref(&self, refs: &'m [Spanned<String>]) -> bool {
        refs.iter().any(|one| self.matches_ref(&one.value))
    }

    /// A keyword, a name, or a regular expression; each perhaps with `@group/project`.
    fn matches_ref(&self, text: &'m str) -> bool {
        let (pattern, project) = split_project(text);
        if project.is_some_and(|project| project != self.context.project.path) {
            return false;
        }
        if self.is_keyword(pattern) {
            return true;
        }
        // Names and patterns mean branches and tags; in a merge-request pipeline only keywords match.
        if self.context.is_merge_request() {
            return false;
        }
        if !Pattern::is_slashed(pattern) {
            return pattern == self.context.ref_name;
        }
        let compiled = self
            .refs
            .borrow_mut()
            .entry(pattern)
            .or_insert_with(|| Pattern::parse(pattern).ok().map(Rc::new))
            .clone();
        compiled.is_some_and(|pattern| pattern.is_match(&self.context.ref_name))
    }

    /// `branches`, `tags`, or a pipeline's source in singular or plural.
    fn is_keyword(&self, word: &str) -> bool {
        let merge_request = self.context.is_merge_request();
        match word {
            "branches" => self.context.ref_kind == RefKind::Branch && !merge_request,
            "tags" => self.context.ref_kind == RefKind::Tag && !merge_request,
            _ => {
                let source = self.context.source.as_str();
                let source = source.strip_suffix("_event").unwrap_or(source);
                let plural = if source.ends_with("sh") { "es" } else { "s" };
                word == source || word.strip_prefix(source) == Some(plural)
            }
        }
    }
}

/// Splits at the `@` behind a name or behind a regular expression, never within one.
fn split_project(text: &str) -> (&str, Option<&str>) {
    let split = match text.rsplit_once('@') {
        Some((before, project)) if text.starts_with('/') => {
            Pattern::is_slashed(before).then_some((before, project))
        }
        _ => text.split_once('@'),
    };
    match split {
        Some((pattern, project)) => (pattern, Some(project)),
        None => (text, None),
    }
}
