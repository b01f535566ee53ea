//! Variables: precedence, and the three expansions of pipeline-yaml section 6.
//!
//! * While the plan is made, conditions and names see every value fully expanded ([`JobScope`]).
//! * When a job is leased, references among its variables are expanded as far as they are known ([`at_lease`]).
//! * On the runner, which knows the last ones, the rest follows Go's rules ([`expand_runner`], [`expand_all_runner`]).
//!
//! Script text is never expanded: the shell does that.

mod lease;
pub(in crate::lang) mod reference;
mod resolve;
mod scope;
#[cfg(test)]
mod tests;

pub use lease::{Known, LeaseError, LeasedVariable, RunnerVariable, at_lease, expand_all_runner};
pub use reference::expand_runner;
pub(in crate::lang) use scope::{Entry, JobScope, Layer, PipelineScope};

/// Longest chain of variables that refer to each other.
const MAX_DEPTH: usize = 64;
/// Most bytes that the expanded variables of one job may have in all.
const MAX_BYTES: usize = 4 << 20;

/// Why a variable can't be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpansionError {
    /// The variables refer to each other in a circle; the first is named again at the end.
    #[error("values refer to each other in a circle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// The chain of references is too long.
    #[error("variable {0} refers to others through more than {MAX_DEPTH} steps")]
    TooDeep(String),
    /// The values grow beyond what is sensible.
    #[error("the job's variables expand to more than 4 MiB, at {0}")]
    TooLarge(String),
}

impl ExpansionError {
    /// The variable to look at first.
    pub fn variable(&self) -> &str {
        match self {
            Self::Cycle(names) => names.first().map_or("", String::as_str),
            Self::TooDeep(name) | Self::TooLarge(name) => name,
        }
    }
}
