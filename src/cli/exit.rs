//! Exit codes: a public interface (design section 11). Scripts depend on them.

use aqueduct_core::verdict::{Blame, VerdictKind};

/// How a command ended, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything went well.
    Success = 0,
    /// The pipeline or a job failed.
    Failed = 1,
    /// The configuration or the command line is wrong.
    Invalid = 2,
    /// The machine, a registry or a destination failed.
    Infrastructure = 3,
    /// Somebody interrupted it.
    Interrupted = 130,
}

impl Exit {
    /// The exit code of a command that ended with this verdict.
    pub(crate) const fn of(kind: VerdictKind) -> Self {
        match (kind, kind.blame()) {
            (VerdictKind::ConfigInvalid | VerdictKind::SecretMissing, _) => Self::Invalid,
            (_, Blame::Infrastructure | Blame::Aqueduct) => Self::Infrastructure,
            (_, Blame::User) => Self::Interrupted,
            (_, Blame::Script | Blame::Config) => Self::Failed,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
