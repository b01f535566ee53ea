//! Why an index was not assembled or pushed.

use aqueduct_core::{
    image::IndexProblems,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_registry::RegistryError;

/// Why an index was not assembled or pushed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The options make no sense together.
    #[error("{0}")]
    Invalid(String),
    /// The images found are not the set asked for.
    #[error("{0}")]
    Problems(IndexProblems),
    /// A source can't be used.
    #[error("{origin}: {cause}")]
    Source {
        /// The reference, file or layout.
        origin: String,
        /// Why.
        cause: String,
    },
    /// A source could not be read.
    #[error("{0}")]
    Pull(RegistryError),
    /// A target could not be written.
    #[error("{0}")]
    Push(RegistryError),
    /// The target holds something else than what was pushed.
    #[error("{reference}: holds {actual} after {expected} was pushed")]
    Unverified {
        /// The reference.
        reference: String,
        /// What was pushed.
        expected: String,
        /// What is there.
        actual: String,
    },
}

impl IndexError {
    /// The verdict of a job that failed so.
    pub fn verdict(&self) -> Verdict {
        let kind = match self {
            Self::Invalid(_) => VerdictKind::ConfigInvalid,
            Self::Problems(_)
            | Self::Source { .. }
            | Self::Push(RegistryError::Refused { .. } | RegistryError::Incomplete { .. }) => {
                VerdictKind::DestinationRefused
            }
            Self::Pull(error) => error.verdict_kind(),
            Self::Push(RegistryError::Auth { .. } | RegistryError::Credentials { .. }) => {
                VerdictKind::DestinationAuth
            }
            Self::Push(_) | Self::Unverified { .. } => VerdictKind::DestinationFailed,
        };
        let verdict = Verdict::new(kind, self.to_string());
        match self {
            Self::Pull(error) | Self::Push(error) => match error.hint() {
                Some(hint) => verdict.with_hint(hint),
                None => verdict,
            },
            _ => verdict,
        }
    }
}
