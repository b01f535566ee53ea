//! `workflow`.

use super::{Rule, Spanned};
use crate::plan::OnNewCommit;

/// `workflow`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workflow {
    /// The pipeline's name, variables unexpanded.
    pub name: Option<Spanned<String>>,
    /// Whether there is a pipeline; `None` means always.
    pub rules: Option<Vec<Rule>>,
    /// What ends the pipeline early.
    pub auto_cancel: AutoCancel,
}

/// `auto_cancel`; `None` is what stands one level above, at last GitLab's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AutoCancel {
    /// What a newer commit of the same ref does.
    pub on_new_commit: Option<OnNewCommit>,
    /// Whether a failed job cancels the others.
    pub on_job_failure: Option<bool>,
}
