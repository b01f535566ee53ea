//! What our coordinator adds for our runner.

use serde::{Deserialize, Serialize};

use crate::{
    plan::{CacheKey, IndexSpec, PublishSpec},
    platform::Arch,
    time::Millis,
};

/// The `aqueduct` key of a payload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PayloadExtension {
    /// [`super::super::EXTENSION_VERSION`] of the writer.
    #[serde(default)]
    pub version: u32,
    /// Without a call for this long the attempt is lost.
    #[serde(default)]
    pub lease_time_ms: Millis,
    /// 1 for the first try of the job.
    #[serde(default)]
    pub attempt: u32,
    /// The executor of the runner's offer that the job is for.
    #[serde(default)]
    pub executor: String,
    /// The job's name in the file, without its instance; empty if it is the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// The architecture that the job is pinned to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Arch>,
    /// `script`, `index` or `publish`.
    #[serde(default)]
    pub kind: String,
    /// What an `index` or `publish` job does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// The job's tags, expanded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The `coverage` expression, without its slashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
    /// Keys of caches that only the runner can tell, by their place in the list: hashes over files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache_keys: Vec<(usize, CacheKey)>,
    /// More of the dependencies, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<DependencyExtension>,
}

/// What a release worker is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// Assemble an image index.
    Index(IndexSpec),
    /// Publish Python distributions.
    Publish(PublishSpec),
}

/// More of a dependency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyExtension {
    /// The job's number.
    pub id: u64,
    /// Its name in the file, without its instance.
    #[serde(default)]
    pub base: String,
}
