//! What a Python repository must be able to do.

use aqueduct_core::{package::ListedFile, verdict::VerdictKind};
use async_trait::async_trait;

use super::distribution::Distribution;

/// One Python repository. Fan-out, order, retries and verification are the caller's.
#[async_trait]
pub(super) trait PackageRepository: Send + Sync {
    /// `pypi` or `directory`.
    fn kind(&self) -> &'static str;

    /// Why it is known beforehand to refuse a file that others take; nothing where it isn't.
    fn objections(&self, _file: &Distribution) -> Vec<String> {
        Vec::new()
    }

    /// All files of a project, by its normalised name; none if the project is unknown.
    async fn list(&self, project: &str) -> Result<Vec<ListedFile>, RepositoryError>;

    /// SHA-256 of a listed file by reading it, for lists without hashes. Hexadecimal.
    async fn hash(&self, project: &str, file: &ListedFile) -> Result<String, RepositoryError>;

    /// Sends one file. Success is a claim that only a list proves, and so is "exists".
    async fn upload(&self, project: &str, file: &Distribution) -> Result<(), RepositoryError>;
}

/// A failed call. The text holds no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct RepositoryError {
    /// What it means for the release.
    pub(super) kind: ErrorKind,
    /// Cause and place.
    pub(super) message: String,
}

/// What a failure means for the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorKind {
    /// The credentials were refused.
    Auth,
    /// The repository understood, and said no.
    Refused,
    /// The same call may succeed later.
    Transient,
    /// Other bytes are there under the same name.
    Conflict,
    /// Neither.
    Fatal,
}

impl RepositoryError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The verdict of a release that failed for this.
    pub(super) fn verdict(&self) -> VerdictKind {
        match self.kind {
            ErrorKind::Auth => VerdictKind::DestinationAuth,
            ErrorKind::Refused => VerdictKind::DestinationRefused,
            ErrorKind::Conflict => VerdictKind::DestinationConflict,
            ErrorKind::Transient | ErrorKind::Fatal => VerdictKind::DestinationFailed,
        }
    }
}
