//! What a runner says of itself (runner-protocol 3.2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::wire::{is_default, wire};

wire! {
    /// `info` of most requests.
    pub struct Info {
        /// The program.
        pub name: String,
        /// Its version.
        pub version: String,
        /// The commit it was built from.
        pub revision: String,
        /// Operating system of the process: `linux`.
        pub platform: String,
        /// Architecture of the process, not of the jobs it can run: `amd64`.
        pub architecture: String,
        /// `shell`, `docker`, `kubernetes`, or one of ours.
        pub executor: String,
        /// `bash`.
        pub shell: String,
        /// What it can do.
        pub features: Features,
        /// Little of its configuration.
        pub config: Config,
        /// Names with values that its owner gave it.
        #[serde(skip_serializing_if = "is_default")]
        pub labels: BTreeMap<String, String>,
    }

    /// `info.config`.
    pub struct Config {
        /// Graphics cards.
        pub gpus: String,
    }
}

/// `info.features`: names with yes or no. One that is missing is a no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Features(BTreeMap<String, Option<bool>>);

/// The job may be cancelled with a grace period for its `after_script`.
pub const CANCEL_GRACEFULLY: &str = "cancel_gracefully";
/// Takes jobs with an `image`.
pub const IMAGE: &str = "image";
/// Takes jobs with `services`.
pub const SERVICES: &str = "services";
/// Uploads reports beside the archive.
pub const UPLOAD_MULTIPLE_ARTIFACTS: &str = "upload_multiple_artifacts";
/// Leaves out what `artifacts:exclude` says.
pub const ARTIFACTS_EXCLUDE: &str = "artifacts_exclude";
/// Runs steps between the script and `after_script`.
pub const MULTI_BUILD_STEPS: &str = "multi_build_steps";
/// Tells exit codes.
pub const RETURN_EXIT_CODE: &str = "return_exit_code";
/// Tries the fallback keys of a cache.
pub const FALLBACK_CACHE_KEYS: &str = "fallback_cache_keys";
/// Fetches the refspecs that the payload names.
pub const REFSPECS: &str = "refspecs";
/// Resolves secrets.
pub const VAULT_SECRETS: &str = "vault_secrets";

/// What our runner can do with every executor.
const OURS: &[&str] = &[
    "variables",
    "artifacts",
    "cache",
    FALLBACK_CACHE_KEYS,
    UPLOAD_MULTIPLE_ARTIFACTS,
    "upload_raw_artifacts",
    ARTIFACTS_EXCLUDE,
    REFSPECS,
    "masking",
    "raw_variables",
    RETURN_EXIT_CODE,
    "trace_reset",
    "trace_checksum",
    "trace_size",
    "two_phase_job_commit",
    "cancelable",
    CANCEL_GRACEFULLY,
];
/// What it has no way to do yet; said aloud, as a stock runner does.
const NOT_OURS: &[&str] = &[
    SERVICES,
    "shared",
    "session",
    "terminal",
    "proxy",
    MULTI_BUILD_STEPS,
    VAULT_SECRETS,
    "service_variables",
    "service_multiple_aliases",
    "service_executor_opts",
    "native_steps_integration",
    "job_inputs",
];

impl Features {
    /// Those of our own runner; `images` if one of its executors starts containers.
    pub fn ours(images: bool) -> Self {
        let yes = OURS.iter().map(|name| (*name, true));
        let no = NOT_OURS.iter().map(|name| (*name, false));
        let own = [(IMAGE, images), ("image_executor_opts", images)];
        yes.chain(no).chain(own).collect()
    }

    /// Whether it has a feature.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).copied().flatten() == Some(true)
    }
}

impl<'a> FromIterator<(&'a str, bool)> for Features {
    fn from_iter<I: IntoIterator<Item = (&'a str, bool)>>(features: I) -> Self {
        let features = features.into_iter();
        Self(
            features
                .map(|(name, has)| (name.to_owned(), Some(has)))
                .collect(),
        )
    }
}
