//! Deliberate faults, to prove that the simulation would find a real one.
//!
//! They exist only under the feature `mutants`, which nothing but tests turns on, and act only where a test asks for one.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A report is taken whatever its lease token says.
    TakesStaleReports,
    /// A retry forgets to give the resource group back.
    KeepsResourceOnRetry,
    /// A lease that runs out is not noticed.
    LeaseNeverExpires,
    /// Effects of a cancelled pipeline get no keys of their own.
    ReusesEffectKeys,
    /// A trace that arrives with a gap is taken as if it had none.
    TakesTraceWithGap,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TakesStaleReports,
        Self::KeepsResourceOnRetry,
        Self::LeaseNeverExpires,
        Self::ReusesEffectKeys,
        Self::TakesTraceWithGap,
    ];
}

/// Whether `mutant` is the fault asked for.
pub fn active(asked: Option<Mutant>, mutant: Mutant) -> bool {
    cfg!(feature = "mutants") && asked == Some(mutant)
}
