//! What can go wrong between us and a registry, told apart by what the caller must do.

use std::{io, path::PathBuf};

use aqueduct_core::{
    image::{Digest, ManifestError, NoPlatform},
    verdict::VerdictKind,
};

use crate::TRUST_HINT;

/// A failed call. The text names the place; secrets never stand in it.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry (or layout) answered that it has no such thing.
    #[error("{what} does not exist{}", detail(message))]
    NotFound {
        /// The manifest or blob asked for.
        what: String,
        /// What the registry said, empty where it said nothing.
        message: String,
    },
    /// The credentials were refused, or there are none and some are needed.
    #[error("{what}: access refused ({status}){}", detail(message))]
    Auth {
        /// What was asked for.
        what: String,
        /// HTTP status: 401 or 403.
        status: u16,
        /// What the registry said, empty where it said nothing.
        message: String,
    },
    /// The credentials could not be read or obtained.
    #[error("credentials for {registry}: {cause}")]
    Credentials {
        /// The registry's host.
        registry: String,
        /// Why.
        cause: String,
    },
    /// The image exists, but not for this platform.
    #[error("{what}: {source}")]
    NoPlatform {
        /// The image.
        what: String,
        /// What was asked for, and what there is.
        source: NoPlatform,
    },
    /// Nobody answered, or only with failures of the server's own, after all retries.
    #[error("{what}: {cause}")]
    Unreachable {
        /// What was asked for.
        what: String,
        /// Why.
        cause: String,
    },
    /// The server could not prove who it is.
    #[error("{what}: {cause}")]
    Untrusted {
        /// What was asked for.
        what: String,
        /// What is wrong with its certificate.
        cause: String,
    },
    /// What came has another digest or size than what was asked for.
    #[error("{what}: got {actual}, expected {expected}")]
    Corrupt {
        /// What was asked for.
        what: String,
        /// Digest or size expected.
        expected: String,
        /// Digest or size that came.
        actual: String,
    },
    /// The registry understood, and said no.
    #[error("{what}: refused with status {status}{}", detail(message))]
    Refused {
        /// What was asked for.
        what: String,
        /// HTTP status.
        status: u16,
        /// What the registry said, empty where it said nothing.
        message: String,
    },
    /// A manifest refers to blobs or manifests that the registry doesn't hold, or doesn't show yet.
    #[error("{what}: refers to what the registry does not hold{}", detail(message))]
    Incomplete {
        /// The manifest that was to be stored.
        what: String,
        /// What the registry said.
        message: String,
    },
    /// The document is no manifest.
    #[error("{what}: {source}")]
    Manifest {
        /// The manifest.
        what: String,
        /// Why.
        source: ManifestError,
    },
    /// The answer breaks the distribution specification, or the layout breaks the image specification.
    #[error("{what}: {cause}")]
    Protocol {
        /// What was asked for.
        what: String,
        /// What was wrong with the answer.
        cause: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

impl RegistryError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn protocol(what: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Protocol {
            what: what.into(),
            cause: cause.into(),
        }
    }

    pub(crate) fn digest(what: impl Into<String>, expected: &Digest, actual: &Digest) -> Self {
        Self::Corrupt {
            what: what.into(),
            expected: expected.to_string(),
            actual: actual.to_string(),
        }
    }

    /// The verdict of a job whose image could not be had for this reason.
    pub fn verdict_kind(&self) -> VerdictKind {
        match self {
            Self::NotFound { .. } => VerdictKind::ImageNotFound,
            Self::Auth { .. } | Self::Credentials { .. } => VerdictKind::ImageAuth,
            Self::NoPlatform { .. } => VerdictKind::ImageNoPlatform,
            _ => VerdictKind::ImagePull,
        }
    }

    /// What to do about it where the verdict's own hint would mislead.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => {
                Some("check that the path is right, may be written, and has free space")
            }
            Self::Untrusted { .. } => Some(TRUST_HINT),
            Self::Corrupt { .. } => Some(
                "the image is damaged where it lies, or on the way: push it anew, or use another",
            ),
            Self::Manifest { .. } | Self::Protocol { .. } => Some(
                "check that this is an image in a registry or a layout, and what stands before it (a proxy, a login page)",
            ),
            _ => None,
        }
    }

    /// Whether the same call may well succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Corrupt { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_images_and_what_is_no_registry_are_not_called_unreachable() {
        let cause = RegistryError::protocol("h/a:1", "no answer of a registry");
        assert!(cause.hint().is_some_and(|hint| hint.contains("proxy")));
        let cause = RegistryError::digest("h/a:1", &Digest::of(b"a"), &Digest::of(b"b"));
        assert!(cause.hint().is_some_and(|hint| hint.contains("damaged")));
    }
}
