//! Publishes the wheels and the sdist of one release to several repositories.

mod report;

use std::{path::PathBuf, time::Duration};

use aqueduct_core::{
    plan::{ConflictPolicy, Require},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::release::ReleaseLog;

pub use report::{
    DestinationReport, DestinationStatus, FileReport, FileState, PublishReport, ReleaseStatus,
    ReleasedFile,
};

use crate::Settings;

/// What to publish, and where.
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// Wheels and at most one sdist, all of one project and version.
    pub files: Vec<PathBuf>,
    /// Names of destinations.
    pub to: Vec<String>,
    /// Published and verified before the others begin.
    pub primary: Option<String>,
    /// How many destinations must hold everything.
    pub require: Require,
    /// What other bytes under the same name mean.
    pub on_conflict: ConflictPolicy,
    /// How long a destination may take to list what it was sent.
    pub verify_timeout: Duration,
    /// Ask every destination, send nothing.
    pub dry_run: bool,
}

impl Default for PublishOptions {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            to: Vec::new(),
            primary: None,
            require: Require::All,
            on_conflict: ConflictPolicy::Fail,
            verify_timeout: Duration::from_mins(1),
            dry_run: false,
        }
    }
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The options or `aqueduct.toml` are wrong.
    #[error("{0}")]
    Invalid(String),
    /// Files are not fit to be published: everything that is wrong, a line each.
    #[error("{}", .0.join("\n"))]
    Files(Vec<String>),
    /// The machine failed.
    #[error("{0}")]
    Machine(String),
}

impl PublishError {
    /// The verdict of a job that failed so.
    pub fn verdict(&self) -> Verdict {
        let kind = match self {
            Self::Invalid(_) => VerdictKind::ConfigInvalid,
            Self::Files(_) => VerdictKind::DestinationRefused,
            Self::Machine(_) => VerdictKind::Internal,
        };
        Verdict::new(kind, self.to_string())
    }
}

/// The files that globs match in some directories, sorted; a glob that matches nothing is an error.
pub fn find_files(dirs: &[PathBuf], globs: &[String]) -> Result<Vec<PathBuf>, String> {
    find::find_files(dirs, globs)
}

/// Checks the files, asks every destination, and sends what is absent. `env` reads the secrets that destinations name.
#[expect(clippy::unused_async, reason = "the uploads come with the next commit")]
pub async fn publish(
    _settings: &Settings,
    _env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
    _options: &PublishOptions,
    _log: &dyn ReleaseLog,
) -> Result<PublishReport, PublishError> {
    Err(PublishError::Invalid("publishing is not there yet".into()))
}

mod find;
