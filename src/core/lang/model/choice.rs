//! `when` as it is written.

use crate::plan::When;

/// `when` of a job or a rule. The plan has no `never`: such a job is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleWhen {
    /// The job is in, and starts so.
    Run(When),
    /// The job is left out.
    Never,
}
