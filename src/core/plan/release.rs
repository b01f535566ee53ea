//! What `index` and `publish` jobs do. Texts are as written; the release worker expands variables.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::platform::Platform;

/// `index`: assemble an OCI image index from images that exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSpec {
    /// References to push the index under; at least one.
    pub image: Vec<String>,
    /// Where the images come from.
    pub from: Vec<IndexSource>,
    /// The platforms it must have, no more and no fewer; empty takes what it finds.
    pub platforms: Vec<Platform>,
    /// Annotations of the index.
    pub annotations: IndexMap<String, String>,
    /// Further tags, moved last.
    pub tags: Vec<String>,
    /// Names of registries to copy the whole index to.
    pub copy_to: Vec<String>,
}

/// One source of images for an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexSource {
    /// A reference, resolved to a digest first.
    Reference(String),
    /// What each instance of a needed job recorded in an artifact: a digest, `ref@digest`, a
    /// descriptor, or BuildKit's metadata file.
    DigestFile {
        /// Name of the job in the file.
        job: String,
        /// Path in its artifacts.
        path: String,
    },
    /// An OCI layout in the artifacts of each instance of a needed job, pushed by digest first.
    Layout {
        /// Name of the job in the file.
        job: String,
        /// Path in its artifacts.
        path: String,
    },
}

/// `publish`: send Python distributions to several destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishSpec {
    /// Globs in the artifacts of the needed jobs.
    pub python: Vec<String>,
    /// Names of destinations.
    pub to: Vec<String>,
    /// Verified first, the others after it.
    pub primary: Option<String>,
    /// How many destinations must hold everything.
    pub require: Require,
    /// What other bytes under the same name mean.
    pub on_conflict: ConflictPolicy,
}

/// How many destinations must hold everything for success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Require {
    /// Every one.
    #[default]
    All,
    /// More than half.
    Quorum,
    /// This many.
    Count(u32),
}

impl Require {
    /// The number it means among `total` destinations.
    pub const fn of(self, total: usize) -> usize {
        match self {
            Self::All => total,
            Self::Quorum => total / 2 + 1,
            Self::Count(count) => count as usize,
        }
    }
}

/// What other bytes under the same name at a destination mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictPolicy {
    /// The job fails before anything is sent.
    #[default]
    Fail,
    /// The destination is told as degraded and never counted by `require`.
    Skip,
}
