//! The typed pipeline: what a composed file says, each keyword's shape already checked.
//!
//! The model knows nothing of the context. Variables are unexpanded, rules unevaluated, matrices
//! unmultiplied. A `null` is an absent keyword. Values that the plan holds in the same form are the
//! plan's own types; places are kept where a check across jobs may have to point.

mod choice;
mod environment;
mod integration;
mod job;
mod matrix;
mod need;
mod release;
mod rule;
mod trigger;
mod variable;
mod workflow;

pub use choice::RuleWhen;
pub use environment::Environment;
pub use integration::{IdToken, Secret, SecretSource};
pub use job::{Inherit, Job, JobKind, Service};
pub use matrix::{ArchDecl, MatrixEntry, Parallel};
pub use need::{JobNeed, Need, NeedTarget};
pub use release::{Index, Publish, Release, ReleaseLink};
pub use rule::{Changes, Exists, Filter, Rule};
pub use trigger::{ChildSource, Strategy, Trigger, TriggerTarget};
pub use variable::{VariableDecl, Variables};
pub use workflow::{AutoCancel, Workflow};

use crate::{diag::Span, hash::IndexMap};

/// A value and the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value` as written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A keyword that changes what executes and that this version only checks.
pub type Unsupported = Spanned<String>;

/// Jobs by name, in file order.
pub type Jobs = IndexMap<String, Job>;

/// A whole pipeline file, includes merged in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// Every stage in order, defaults filled in, `.pre` first and `.post` last.
    pub stages: Vec<Spanned<String>>,
    /// Global `variables`.
    pub variables: Variables,
    /// `workflow`.
    pub workflow: Workflow,
    /// The visible jobs.
    pub jobs: Jobs,
}
