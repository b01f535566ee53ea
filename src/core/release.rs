//! What became of a release: the small document that an `index` or a `publish` job leaves, for people to read.

use serde::{Deserialize, Serialize};

/// What became of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ReleaseReport {
    /// An image index was pushed.
    Index(IndexRelease),
    /// Distributions were published, or some of them.
    Publish(PublishRelease),
}

/// An image index that was pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRelease {
    /// Its digest, `sha256:…`.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its images.
    pub entries: Vec<IndexedImage>,
    /// Every reference that names it now.
    pub references: Vec<String>,
}

/// An image of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedImage {
    /// `linux/arm64`; `None` of one that says none.
    pub platform: Option<String>,
    /// Digest of its manifest.
    pub digest: String,
}

/// What became of distributions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishRelease {
    /// Normalised name.
    pub project: String,
    /// Normalised version.
    pub version: String,
    /// As a whole.
    pub state: ReleaseState,
    /// How many destinations must hold everything.
    pub required: usize,
    /// The files.
    pub files: Vec<ReleasedFile>,
    /// The destinations, in the order in which the job names them.
    pub destinations: Vec<DestinationState>,
}

/// A release as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseState {
    /// Every destination holds everything.
    Published,
    /// Enough destinations do, but not all.
    Degraded,
    /// Too few do.
    Failed,
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedFile {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// What became of one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationState {
    /// Its name.
    pub name: String,
    /// It holds everything.
    pub complete: bool,
    /// Why it doesn't.
    pub error: Option<String>,
    /// Of each file, in the order of [`PublishRelease::files`].
    pub files: Vec<FileState>,
}

/// What is known of a file at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// It isn't there.
    Absent,
    /// The same bytes were there before.
    Present,
    /// Other bytes are there.
    Conflict,
    /// Sent, and read back.
    Verified,
    /// Not known: the destination didn't answer.
    Unknown,
}
