//! `rules`, `only` and `except`.

use super::{AutoCancel, Need, RuleWhen, Spanned, Variables};
use crate::{diag::Span, plan::AllowFailure, time::Millis};

/// One entry of `rules` or `workflow:rules`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// The whole entry.
    pub span: Span,
    /// `if`, an expression of pipeline-yaml section 7.1.
    pub condition: Option<Spanned<String>>,
    /// `changes`.
    pub changes: Option<Changes>,
    /// `exists`.
    pub exists: Option<Exists>,
    /// `when`; in `workflow:rules` only `always` and `never`.
    pub when: Option<Spanned<RuleWhen>>,
    /// Delay; present exactly with `when: delayed`.
    pub start_in: Option<Millis>,
    /// `allow_failure`.
    pub allow_failure: Option<AllowFailure>,
    /// Merged over the job's, or in `workflow:rules` over the global ones.
    pub variables: Variables,
    /// Replaces the job's `needs`.
    pub needs: Option<Vec<Need>>,
    /// Replaces the job's `interruptible`.
    pub interruptible: Option<bool>,
    /// Replaces `workflow:auto_cancel`; `workflow:rules` only.
    pub auto_cancel: Option<AutoCancel>,
}

/// `rules:changes`; all texts with variables unexpanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// At most 50 globs.
    pub paths: Vec<Spanned<String>>,
    /// A branch, tag or commit to compare with, from the merge base.
    pub compare_to: Option<Spanned<String>>,
}

/// `rules:exists`; all texts with variables unexpanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exists {
    /// At most 50 globs.
    pub paths: Vec<Spanned<String>>,
    /// Another project to look into.
    pub project: Option<Spanned<String>>,
    /// Its branch, tag or commit.
    pub ref_name: Option<Spanned<String>>,
}

/// `only` or `except`; every field that is there must hold for the filter to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The whole value.
    pub span: Span,
    /// Keywords (`branches`), names, `/regex/flags`, each with an optional `@group/project`.
    pub refs: Option<Vec<Spanned<String>>>,
    /// Expressions, any of which must hold.
    pub variables: Option<Vec<Spanned<String>>>,
    /// Globs, any of which must match.
    pub changes: Option<Vec<Spanned<String>>>,
    /// `kubernetes: active`: the project has a cluster.
    pub kubernetes: bool,
}
