//! `environment`.

use super::Spanned;
use crate::plan::EnvironmentAction;

/// `environment`; texts with variables unexpanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it can be visited.
    pub url: Option<Spanned<String>>,
    /// What the job does to it.
    pub action: EnvironmentAction,
    /// The job that stops it.
    pub on_stop: Option<Spanned<String>>,
    /// A duration, or text with variables that make one.
    pub auto_stop_in: Option<Spanned<String>>,
    /// production, staging, testing, development or other, or text with variables that make one;
    /// `None` is guessed from the name.
    pub tier: Option<Spanned<String>>,
}
