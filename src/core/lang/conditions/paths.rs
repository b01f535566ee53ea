//! `changes` and `exists`.

use std::cell::RefCell;

use super::Conditions;
use crate::{
    diag::{Diagnostic, Span},
    hash::HashMap,
    lang::{
        codes::{INVALID_PATTERN, NOT_SUPPORTED, UNRESOLVED_REF},
        compose::SourceRequest,
        glob::Glob,
        instances::KeyPath,
        model::{Changes, Exists, Spanned},
        variables::JobScope,
    },
};

/// Above this many comparisons of a pattern with a path a condition is taken to hold.
const MAX_COMPARISONS: usize = 50_000;

/// What each pattern has been found to match, by where it was searched and its expanded text.
#[derive(Default)]
pub(super) struct Paths {
    known: RefCell<HashMap<(Where, String), bool>>,
}

/// A list of paths.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Where {
    /// What the push or merge request changed.
    Changes,
    /// What changed since the merge base with a ref.
    Since(String),
    /// The whole tree.
    Tree,
}

impl Conditions<'_> {
    /// True without a diff, false for an empty one.
    pub(super) fn changed(
        &self,
        changes: &Changes,
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<bool, Box<Diagnostic>> {
        let Some(compare_to) = &changes.compare_to else {
            return match &self.context.changes {
                Some(paths) => self.any(&changes.paths, &Where::Changes, paths, scope, path),
                None => Ok(true),
            };
        };
        let ref_name = scope.expand(&compare_to.value);
        let Some(paths) = self.context.compare_to.get(&ref_name) else {
            let problem = unresolved(&ref_name, compare_to.span, path);
            let request = SourceRequest::Changes(ref_name);
            self.lacking.borrow_mut().insert(request);
            return Err(Box::new(problem));
        };
        self.any(&changes.paths, &Where::Since(ref_name), paths, scope, path)
    }

    /// Whether the tree has such a file.
    pub(super) fn exists(
        &self,
        exists: &Exists,
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<bool, Box<Diagnostic>> {
        if let Some(project) = &exists.project {
            let message = format!("{path}:exists:project is not supported yet");
            let problem = Diagnostic::error(NOT_SUPPORTED, project.span, message)
                .with_help("look for files of this repository, or for a variable in `if`");
            return Err(Box::new(problem));
        }
        let Some(files) = &self.context.files else {
            self.lacking.borrow_mut().insert(SourceRequest::Files);
            return Ok(false);
        };
        self.any(&exists.paths, &Where::Tree, files, scope, path)
    }

    /// `only:changes` and `except:changes`.
    pub(super) fn filter_changed(
        &self,
        patterns: &[Spanned<String>],
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<bool, Box<Diagnostic>> {
        match &self.context.changes {
            Some(paths) => self.any(patterns, &Where::Changes, paths, scope, path),
            None => Ok(true),
        }
    }

    fn any(
        &self,
        patterns: &[Spanned<String>],
        place: &Where,
        paths: &[String],
        scope: &JobScope<'_>,
        path: KeyPath<'_>,
    ) -> Result<bool, Box<Diagnostic>> {
        if patterns.len().saturating_mul(paths.len()) > MAX_COMPARISONS {
            return Ok(true);
        }
        for pattern in patterns {
            let text = scope.expand(&pattern.value);
            let key = (place.clone(), text);
            let known = self.paths.known.borrow().get(&key).copied();
            let matches = match known {
                Some(known) => known,
                None => search(&key.1, *place == Where::Tree, paths)
                    .ok_or_else(|| Box::new(unusable(&key.1, pattern.span, path)))?,
            };
            self.paths.known.borrow_mut().insert(key, matches);
            if matches {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Only the tree has directories: `dir/` among changes names nothing.
fn search(pattern: &str, tree: bool, paths: &[String]) -> Option<bool> {
    let glob = Glob::new(pattern).ok()?;
    Some(if tree {
        glob.matches_any(paths)
    } else {
        paths.iter().any(|path| glob.is_match(path))
    })
}

fn unresolved(ref_name: &str, span: Span, path: KeyPath<'_>) -> Diagnostic {
    let message = format!(
        "{path}:changes:compare_to names `{ref_name}`, which is no branch, tag or commit here"
    );
    Diagnostic::error(UNRESOLVED_REF, span, message)
        .with_help("fetch that ref, or compare with one that this repository has")
}

fn unusable(pattern: &str, span: Span, path: KeyPath<'_>) -> Diagnostic {
    let message =
        format!("{path} has the pattern `{pattern}`, whose braces expand to too many alternatives");
    Diagnostic::error(INVALID_PATTERN, span, message).with_help("split it into several patterns")
}
