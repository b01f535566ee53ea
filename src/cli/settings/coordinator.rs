//! `[coordinator]`: what an operator says of a coordinator beside its flags.

use schemars::JsonSchema;
use serde::Deserialize;

use super::size;

/// Limits of a coordinator. Everything is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CoordinatorOptions {
    /// Longest artifact that a job may upload; 10 GiB if it isn't given.
    #[serde(default, deserialize_with = "size::option")]
    #[schemars(with = "Option<String>", extend("title" = size::TITLE))]
    pub(crate) artifact_limit: Option<u64>,
    /// Longest log that is kept of an attempt, 100 MiB if it isn't given; what is longer is cut, and the log says so.
    #[serde(default, deserialize_with = "size::option")]
    #[schemars(with = "Option<String>", extend("title" = size::TITLE))]
    pub(crate) log_limit: Option<u64>,
    /// Commits that a job fetches where `GIT_DEPTH` says nothing else, 20 if it isn't given; 0 fetches all.
    pub(crate) git_depth: Option<u32>,
}
