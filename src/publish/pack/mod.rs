//! `image pack`: a small image of any platform from files, without running anything of that platform.
//!
//! The same files and options give the same digests on every machine: entries are sorted, times come from
//! `SOURCE_DATE_EPOCH`, and owner, group and mode bits are those of a fixed scheme unless they are asked to be kept.

mod assemble;
mod entrypoint;
mod layer;
mod tree;

use std::{collections::BTreeMap, path::PathBuf};

use aqueduct_core::{
    image::{Descriptor, Digest, LayoutReference, Reference},
    platform::Platform,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_registry::{Client, RegistryError};
use serde::Serialize;

/// What goes into an image.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// The platform it is for.
    pub platform: Platform,
    /// Image to build on: its layers and configuration are inherited.
    pub from: Option<Reference>,
    /// Files and directories, later ones over earlier ones.
    pub add: Vec<Addition>,
    /// Owners and modes of the files.
    pub ownership: Ownership,
    /// Replaces the entrypoint; an empty list clears it.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the default arguments; an empty list clears them.
    pub cmd: Option<Vec<String>>,
    /// `KEY=value` entries, over those inherited.
    pub env: Vec<(String, String)>,
    /// Labels, over those inherited.
    pub labels: BTreeMap<String, String>,
    /// User to run as.
    pub user: Option<String>,
    /// Working directory; absolute.
    pub workdir: Option<String>,
    /// Layout and tag to write to.
    pub output: LayoutReference,
    /// Seconds since the epoch for every time in the image.
    pub source_date_epoch: i64,
}

/// A file or directory and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// On this machine; of a directory, the content.
    pub source: PathBuf,
    /// In the image, absolute. With a trailing slash, a file goes into it under its own name.
    pub target: String,
}

impl Addition {
    /// Reads `SOURCE:TARGET`.
    pub fn parse(text: &str) -> Option<Self> {
        let (source, target) = text.rsplit_once(':')?;
        (!source.is_empty() && target.starts_with('/')).then(|| Self {
            source: source.into(),
            target: target.to_owned(),
        })
    }
}

/// Owners and modes of packed files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ownership {
    /// Root's; 755 for directories and what is executable, 644 for the rest, whatever the umask was.
    #[default]
    Root,
    /// As they are, set-id bits included: for whole root file systems.
    Keep,
}

/// A packed image.
#[derive(Clone, Debug, Serialize)]
pub struct PackReport {
    /// `oci:PATH:TAG`.
    pub reference: String,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Descriptor with the platform: what an `index` job takes as it is.
    pub descriptor: Descriptor,
    /// Bytes of the new layer, compressed.
    pub layer_size: u64,
}

/// Why an image was not packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The options make no sense.
    #[error("{0}")]
    Invalid(String),
    /// A file could not be read.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The layer could not be put together.
    #[error("can't write the layer to {}: {cause}", path.display())]
    Machine {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The entrypoint is for another machine.
    #[error("the entrypoint {path} is for {actual}, the image for {platform}")]
    WrongMachine {
        /// Its path in the image.
        path: String,
        /// The machine it is for.
        actual: String,
        /// The image's platform.
        platform: Platform,
    },
    /// The base could not be read, or the layout not be written.
    #[error("{0}")]
    Registry(#[from] RegistryError),
}

impl PackError {
    /// The verdict of a job that failed so.
    pub fn verdict(&self) -> Verdict {
        let kind = match self {
            Self::Invalid(_) | Self::File { .. } => VerdictKind::ConfigInvalid,
            Self::WrongMachine { .. } => VerdictKind::DestinationRefused,
            Self::Machine { .. } => VerdictKind::Internal,
            Self::Registry(RegistryError::Io { .. }) => VerdictKind::DestinationFailed,
            Self::Registry(error) => error.verdict_kind(),
        };
        let hint = match self {
            Self::Invalid(_) | Self::File { .. } => {
                Some("correct the command, or the file that the message names")
            }
            Self::Machine { .. } => Some("free some space, or point TMPDIR at a larger disk"),
            Self::Registry(error) => error.hint(),
            Self::WrongMachine { .. } => None,
        };
        let verdict = Verdict::new(kind, self.to_string());
        match hint {
            Some(hint) => verdict.with_hint(hint),
            None => verdict,
        }
    }
}

/// Packs an image into a layout.
pub async fn pack(client: &Client, options: &PackOptions) -> Result<PackReport, PackError> {
    check(options)?;
    let additions = options.add.clone();
    let tree = blocking(move || tree::collect(&additions)).await?;
    let base = assemble::base(client, options).await?;
    entrypoint::check(options, &tree, &base.config)?;
    let (ownership, epoch) = (options.ownership, options.source_date_epoch);
    let layer = if tree.is_empty() {
        None
    } else {
        Some(blocking(move || layer::write(&tree, ownership, epoch)).await?)
    };
    assemble::write(options, base, layer).await
}

fn check(options: &PackOptions) -> Result<(), PackError> {
    if options.add.is_empty() && options.from.is_none() {
        return Err(PackError::Invalid(
            "nothing to pack: no files and no base".into(),
        ));
    }
    if options.source_date_epoch < 0 {
        return Err(PackError::Invalid(
            "the source date lies before 1970".into(),
        ));
    }
    if let Some(dir) = options.workdir.as_ref().filter(|dir| !dir.starts_with('/')) {
        return Err(PackError::Invalid(format!(
            "the working directory `{dir}` is not absolute"
        )));
    }
    if options.output.digest.is_some() {
        return Err(PackError::Invalid(
            "an image is packed under a tag, not under a digest".into(),
        ));
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PackError> + Send + 'static,
) -> Result<T, PackError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| PackError::Invalid("the work was interrupted".into()))?
}

#[cfg(test)]
mod tests;
