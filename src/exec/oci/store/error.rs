//! Why an image could not be had, and whom that blames.

use std::path::{Path, PathBuf};

use aqueduct_core::verdict::{Verdict, VerdictKind};
use aqueduct_registry::RegistryError;

use super::Wanted;
use crate::oci::unpack::UnpackError;

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum PullError {
    /// The registry or layout failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A layer can't be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The image contradicts itself.
    #[error("{0}")]
    Image(String),
    /// The store can't be written.
    #[error("image store {}: {source}", path.display())]
    Store {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl PullError {
    pub(super) fn store(path: &Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Store {
            path: path.clone(),
            source,
        }
    }

    pub(super) fn verdict(&self, wanted: Wanted<'_>) -> Verdict {
        let kind = match self {
            Self::Registry(error) => error.verdict_kind(),
            Self::Unpack(UnpackError::Write { .. }) | Self::Store { .. } => VerdictKind::Internal,
            Self::Unpack(_) | Self::Image(_) => VerdictKind::ImagePull,
        };
        let text = self.to_string();
        // A layout is named by the whole of its path, the rest of which the pipeline file leaves out.
        let cause = if text.contains(wanted.name) || text.starts_with("oci:") {
            text
        } else {
            format!("{}: {text}", wanted.name)
        };
        let verdict = Verdict::new(kind, cause);
        match self {
            Self::Unpack(UnpackError::Refused { .. } | UnpackError::Corrupt { .. })
            | Self::Image(_) => {
                verdict.with_hint("the image is broken or hostile: build it anew, or use another")
            }
            Self::Unpack(UnpackError::Write { .. }) | Self::Store { .. } => {
                verdict.with_hint("check free space and permissions of the image store")
            }
            Self::Registry(error) => match error.hint() {
                Some(hint) => verdict.with_hint(hint),
                None => verdict,
            },
            Self::Unpack(_) => verdict,
        }
    }
}
