//! What a job gets from others and leaves to others.

use crate::api::runner::{Secret, wire::wire};

wire! {
    /// One upload.
    pub struct Artifact {
        /// Name of the file without its ending; may hold variables. Empty is `default`.
        pub name: String,
        /// Adds files that git doesn't track.
        pub untracked: bool,
        /// Globs; may hold variables.
        pub paths: Vec<String>,
        /// Globs taken out again.
        pub exclude: Vec<String>,
        /// `on_success`, `on_failure` or `always`; empty is the first.
        pub when: String,
        /// `archive`, or a type of [`report`](crate::api::runner::artifact).
        pub artifact_type: String,
        /// `zip`, `gzip` or `raw`.
        pub artifact_format: String,
        /// How long to keep it, in words; passed through to the server.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub expire_in: String,
    }

    /// One cache.
    pub struct Cache {
        /// Key; may hold variables. Empty is job and ref.
        pub key: String,
        /// Adds files that git doesn't track.
        pub untracked: bool,
        /// `pull-push`, `pull` or `push`; may be a variable.
        pub policy: String,
        /// Globs.
        pub paths: Vec<String>,
        /// `on_success`, `on_failure` or `always`; empty is the first.
        pub when: String,
        /// Keys tried when the first has nothing.
        pub fallback_keys: Vec<String>,
    }

    /// Login of a registry.
    pub struct Credential {
        /// `registry`.
        #[serde(rename = "type")]
        pub kind: String,
        /// Host name, with its port.
        pub url: String,
        /// User.
        pub username: String,
        /// Password.
        pub password: Secret,
    }

    /// A job whose archive is fetched.
    pub struct Dependency {
        /// Its number.
        pub id: u64,
        /// Token to fetch with.
        pub token: Secret,
        /// Its name.
        pub name: String,
        /// The archive; without one there is nothing to fetch.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub artifacts_file: Option<ArtifactsFile>,
    }

    /// An archive.
    pub struct ArtifactsFile {
        /// Its name.
        pub filename: String,
        /// Its size in bytes.
        pub size: u64,
    }
}
