//! What a job is, where its sources are, and who runs it.

use crate::api::runner::{Secret, wire::wire};

wire! {
    /// `job_info`.
    pub struct JobInfo {
        /// Its number again.
        pub id: u64,
        /// Its name.
        pub name: String,
        /// Its stage.
        pub stage: String,
        /// Its pipeline's number.
        pub pipeline_id: u64,
        /// Its project's number.
        pub project_id: u64,
        /// Last part of the project's path.
        pub project_name: String,
        /// The project's path.
        pub project_full_path: String,
        /// Number of the group.
        pub namespace_id: u64,
        /// Number of the outermost group.
        pub root_namespace_id: u64,
        /// Number of the organisation.
        pub organization_id: u64,
        /// Name of the server.
        pub instance_id: String,
        /// Another.
        pub instance_uuid: String,
        /// Who started it.
        pub user_id: u64,
        /// On whose behalf.
        pub scoped_user_id: Option<u64>,
        /// How long it waited.
        pub time_in_queue_seconds: f64,
        /// A number as text: `0`, `+Inf`.
        pub project_jobs_running_on_instance_runners_count: String,
        /// Jobs that wait.
        pub queue_size: i64,
        /// Jobs that waited before it.
        pub queue_depth: i64,
    }

    /// `git_info`.
    pub struct GitInfo {
        /// Whole URL to clone, with user and token in it.
        pub repo_url: Secret,
        /// `sha1` or `sha256`.
        pub repo_object_format: String,
        /// Short name of the branch or tag.
        #[serde(rename = "ref")]
        pub ref_name: String,
        /// The commit.
        pub sha: String,
        /// The commit before.
        pub before_sha: String,
        /// `branch` or `tag`.
        pub ref_type: String,
        /// What to fetch.
        pub refspecs: Vec<String>,
        /// How many commits; 0 is all.
        pub depth: u32,
        /// Whether the branch or tag is protected.
        pub protected: Option<bool>,
    }

    /// `runner_info`.
    pub struct RunnerInfo {
        /// The runner's name on the server.
        pub uuid: String,
        /// Deadline of the job in seconds; 0 and below is two hours.
        pub timeout: i64,
    }
}
