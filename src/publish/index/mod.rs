//! Multi-platform image indexes: gathered by digest, checked, pushed children first, tags last.

mod copy;
mod error;
mod gather;
mod inspect;
mod patience;
mod push;
mod spool;

use std::collections::BTreeMap;

use aqueduct_core::{
    image::{Descriptor, Digest, LayoutReference, Reference, assemble},
    platform::Platform,
};
use aqueduct_ports::release::ReleaseLog;
use aqueduct_registry::Client;
use serde::Serialize;

pub use error::IndexError;
pub use inspect::{InspectedEntry, Inspection, inspect};

/// What to assemble and where to push it.
#[derive(Clone, Debug, Default)]
pub struct IndexOptions {
    /// References to push the index under, each with a tag (or `latest`); at least one.
    pub images: Vec<Reference>,
    /// Where the images come from; at least one.
    pub sources: Vec<ImageOrigin>,
    /// The platforms the index must have, no more and no fewer; empty takes what is found.
    pub platforms: Vec<Platform>,
    /// Annotations of the index.
    pub annotations: BTreeMap<String, String>,
    /// Further tags in the repositories of `images`, moved after everything else.
    pub tags: Vec<String>,
    /// Further references to copy the whole index to; their tags are moved with those of `images`.
    pub copies: Vec<Reference>,
}

/// Where one image of an index comes from; it may itself be an index, which is then flattened.
#[derive(Clone, Debug)]
pub enum ImageOrigin {
    /// A reference; a tag is resolved to a digest first.
    Reference(Reference),
    /// The text of a digest file.
    DigestFile {
        /// Its name, for messages.
        name: String,
        /// Its content: a digest (of the first image's repository), `ref@digest`, a descriptor, BuildKit metadata.
        text: String,
    },
    /// An OCI layout.
    Layout {
        /// Its name, for messages.
        name: String,
        /// Where it lies.
        place: LayoutReference,
    },
}

/// What was pushed.
#[derive(Clone, Debug, Serialize)]
pub struct IndexReport {
    /// Digest of the index.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its entries.
    pub entries: Vec<Descriptor>,
    /// Every reference that now names it.
    pub pushed: Vec<PushedReference>,
}

/// A reference that now names the index.
#[derive(Clone, Debug, Serialize)]
pub struct PushedReference {
    /// The reference.
    pub reference: String,
    /// What it named before, if it did: what to put back to undo.
    pub previous: Option<Digest>,
}

/// Assembles an index and pushes it. Running it again with the same images changes nothing.
pub async fn create(
    client: &Client,
    options: &IndexOptions,
    log: &dyn ReleaseLog,
) -> Result<IndexReport, IndexError> {
    check(options)?;
    let gathered = gather::gather(client, options, log).await?;
    let (entries, places) = gathered.into_parts();
    let index = assemble(entries, &options.platforms, &options.annotations)
        .map_err(IndexError::Problems)?;
    log.line(&format!(
        "index {} with {} entries",
        index.digest,
        index.entries.len()
    ));
    let pushed = push::push(client, options, &index, &places, log).await?;
    Ok(IndexReport {
        digest: index.digest,
        media_type: index.media_type.to_owned(),
        size: index.bytes.len() as u64,
        entries: index.entries,
        pushed,
    })
}

fn check(options: &IndexOptions) -> Result<(), IndexError> {
    if options.images.is_empty() {
        return Err(IndexError::Invalid(
            "no reference to push the index under".into(),
        ));
    }
    if options.sources.is_empty() {
        return Err(IndexError::Invalid("no image to put into the index".into()));
    }
    for reference in options.images.iter().chain(&options.copies) {
        if matches!(reference.target(), aqueduct_core::image::Target::Digest(_)) {
            let cause = format!("{reference}: an index is pushed under a tag, not under a digest");
            return Err(IndexError::Invalid(cause));
        }
    }
    Ok(())
}
