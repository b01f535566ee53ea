//! Publishes the wheels and the sdist of one release to several repositories.

mod archive;
mod destination;
mod directory;
mod distribution;
mod find;
mod flow;
mod pypi;
mod report;
mod repository;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use aqueduct_core::{
    plan::{ConflictPolicy, Require},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::release::ReleaseLog;

pub use find::find_files;
pub use report::{
    DestinationReport, DestinationStatus, FileReport, FileState, PublishReport, ReleaseStatus,
    ReleasedFile,
};

use crate::{Destination, Settings};
use destination::Target;
use directory::Directory;
use distribution::Release;
use pypi::Pypi;
use repository::PackageRepository;

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
    /// A destination can't be published to as `aqueduct.toml` stands.
    #[error("{}", .0.cause)]
    Destination(Verdict),
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
            Self::Destination(verdict) => return verdict.clone(),
            Self::Invalid(_) => VerdictKind::ConfigInvalid,
            Self::Files(_) => VerdictKind::DestinationRefused,
            Self::Machine(_) => VerdictKind::Internal,
        };
        let verdict = Verdict::new(kind, self.to_string());
        match self {
            Self::Machine(_) => verdict.with_hint("mend what the message names; nothing was sent"),
            _ => verdict,
        }
    }
}

/// Checks the files, asks every destination, and sends what is absent. `env` reads the secrets that destinations name.
///
/// An error means that nothing was sent. What became of each destination, good or bad, stands in the report; running it
/// again sends only what is still absent.
pub async fn publish(
    settings: &Settings,
    env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
    options: &PublishOptions,
    log: &dyn ReleaseLog,
) -> Result<PublishReport, PublishError> {
    check(options)?;
    let targets: Vec<Target> = options
        .to
        .iter()
        .map(|name| target(settings, env, name))
        .collect::<Result<_, _>>()?;
    let files = options.files.clone();
    let release = tokio::task::spawn_blocking(move || distribution::load(&files))
        .await
        .map_err(|_| PublishError::Machine("the work was interrupted".into()))??;
    check_objections(&release, &targets)?;
    log.line(&format!(
        "{} {}: {} to {}",
        release.project,
        release.version,
        report::counted(release.files.len(), "file"),
        report::counted(targets.len(), "destination")
    ));
    Ok(flow::run(&release, &targets, options, log).await)
}

/// A file that one destination is sure to refuse is found before another has taken it.
fn check_objections(release: &Release, targets: &[Target]) -> Result<(), PublishError> {
    let mut problems = Vec::new();
    for target in targets {
        for file in &release.files {
            let found = target.repository.objections(file).into_iter();
            problems.extend(found.map(|text| format!("{}: {} {text}", target.name, file.filename)));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(PublishError::Files(problems))
    }
}

fn check(options: &PublishOptions) -> Result<(), PublishError> {
    let invalid = |cause: String| Err(PublishError::Invalid(cause));
    if options.to.is_empty() {
        return invalid("no destination is named".into());
    }
    let names: BTreeSet<&String> = options.to.iter().collect();
    if names.len() != options.to.len() {
        return invalid("a destination is named twice".into());
    }
    if let Some(primary) = options
        .primary
        .as_ref()
        .filter(|primary| !names.contains(primary))
    {
        return invalid(format!(
            "the primary `{primary}` is not among the destinations"
        ));
    }
    let required = options.require.of(names.len());
    if required == 0 || required > names.len() {
        return invalid(format!(
            "`require: {required}` of {} destinations",
            names.len()
        ));
    }
    Ok(())
}

fn target(
    settings: &Settings,
    env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
    name: &str,
) -> Result<Target, PublishError> {
    let (destination, password) = settings
        .publishable(name, env)
        .map_err(PublishError::Destination)?;
    let repository: Box<dyn PackageRepository> = match destination {
        Destination::Directory(directory) => {
            Box::new(Directory::new(settings.resolve(&directory.path)))
        }
        Destination::Pypi(pypi) => {
            let opened = Pypi::new(pypi, password);
            Box::new(opened.map_err(|error| PublishError::Machine(error.to_string()))?)
        }
        Destination::Later(later) => {
            let cause = format!("there is no publisher for the type `{}`", later.kind);
            return Err(PublishError::Machine(cause));
        }
    };
    Ok(Target {
        name: name.to_owned(),
        repository,
    })
}

#[cfg(test)]
mod tests;
