//! What works off `index` and `publish` jobs. Its credentials never reach a job's own processes.

use std::path::PathBuf;

use aqueduct_core::{
    plan::{IndexSpec, PublishSpec},
    release::ReleaseReport,
    verdict::Verdict,
};
use async_trait::async_trait;

/// Does what an `index` or a `publish` job asks for.
#[async_trait]
pub trait ReleaseBackend: Send + Sync {
    /// Assembles, pushes and verifies an index. All texts are expanded.
    async fn index(
        &self,
        spec: &IndexSpec,
        inputs: &ReleaseInputs,
        log: &dyn ReleaseLog,
    ) -> Result<(), Verdict>;

    /// Publishes distributions. All texts are expanded.
    async fn publish(
        &self,
        spec: &PublishSpec,
        inputs: &ReleaseInputs,
        log: &dyn ReleaseLog,
    ) -> Result<(), Verdict>;
}

/// Takes lines for the job's trace, and what became of the release.
pub trait ReleaseLog: Send + Sync {
    /// One line without its end; secrets never stand in it.
    fn line(&self, text: &str);

    /// What became of the release, for the job's record; told once, also of one that failed after something was sent.
    fn released(&self, _report: ReleaseReport) {}
}

/// The artifacts of the jobs that a release job needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseInputs {
    /// `group/name` of the project whose job it is, where the source of work vouches for it.
    pub project: Option<String>,
    /// One entry per needed job instance.
    pub jobs: Vec<InputArtifacts>,
    /// Seconds since the epoch for everything that is stamped (commit time, `SOURCE_DATE_EPOCH`).
    pub source_date_epoch: Option<i64>,
}

/// The artifacts of one needed job instance, unpacked into a directory of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputArtifacts {
    /// Full name of the job: `build: [arm64]`.
    pub job: String,
    /// Name in the file: `build`.
    pub base: String,
    /// Where its artifacts lie.
    pub dir: PathBuf,
}
