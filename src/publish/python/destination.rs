//! One destination's part of a release: asked, filled, verified. Knows nothing of the others.

use std::time::Duration;

use aqueduct_core::package::{DistributionName, ListedFile};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::{Instant, sleep};

use super::{
    FileState,
    distribution::{Distribution, Release},
    repository::{ErrorKind, PackageRepository, RepositoryError},
};

/// Files sent to one destination at once; servers work on a project one file at a time anyway.
const PARALLEL: usize = 3;
/// Tries after the first to send a file.
const RETRIES: usize = 4;
/// Tries after the first to ask: nobody is sent anything before everybody has answered, so a dead region must not
/// take long to be found dead.
const PROBE_RETRIES: usize = 2;

/// A destination of this release.
pub(super) struct Target {
    pub(super) name: String,
    pub(super) repository: Box<dyn PackageRepository>,
}

fn pauses(retries: usize) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(30))
        .with_max_times(retries)
        .with_jitter()
        .build()
}

impl Target {
    /// What the destination holds of a release, file by file. Writes nothing.
    pub(super) async fn probe(&self, release: &Release) -> Result<Vec<FileState>, RepositoryError> {
        let mut pauses = pauses(PROBE_RETRIES);
        loop {
            match self.states(release).await {
                Err(error) if error.kind == ErrorKind::Transient => match pauses.next() {
                    Some(pause) => sleep(pause).await,
                    None => return Err(error),
                },
                answer => return answer,
            }
        }
    }

    async fn states(&self, release: &Release) -> Result<Vec<FileState>, RepositoryError> {
        let listed = self.repository.list(&release.project).await?;
        let mut states = Vec::with_capacity(release.files.len());
        for file in &release.files {
            states.push(self.state_of(&release.project, file, &listed).await?);
        }
        Ok(states)
    }

    /// Only hashes decide; a list without them is believed after a download.
    async fn state_of(
        &self,
        project: &str,
        file: &Distribution,
        listed: &[ListedFile],
    ) -> Result<FileState, RepositoryError> {
        let Some(there) = listed.iter().find(|there| there.filename == file.filename) else {
            return Ok(FileState::Absent);
        };
        let sha256 = match &there.sha256 {
            Some(sha256) => sha256.clone(),
            None => self.repository.hash(project, there).await?,
        };
        Ok(if sha256 == file.sha256 {
            FileState::Present
        } else {
            FileState::Conflict
        })
    }

    /// Sends what is absent: wheels in parallel, then the sdist.
    pub(super) async fn send(
        &self,
        release: &Release,
        states: &[FileState],
    ) -> Result<(), RepositoryError> {
        let absent = release
            .files
            .iter()
            .zip(states)
            .filter(|(_, state)| **state == FileState::Absent)
            .map(|(file, _)| file);
        let (wheels, sdists): (Vec<_>, Vec<_>) =
            absent.partition(|file| matches!(file.name, DistributionName::Wheel(_)));
        for batch in [wheels, sdists] {
            let sends: Vec<_> = batch
                .into_iter()
                .map(|file| self.send_one(&release.project, file))
                .collect();
            stream::iter(sends)
                .buffer_unordered(PARALLEL)
                .try_collect::<Vec<()>>()
                .await?;
        }
        Ok(())
    }

    /// Sends one file. After a failure the list says what is so: an answer may be lost though the file arrived, and "exists"
    /// has as many spellings as there are servers.
    async fn send_one(&self, project: &str, file: &Distribution) -> Result<(), RepositoryError> {
        let mut pauses = pauses(RETRIES);
        loop {
            let Err(error) = self.repository.upload(project, file).await else {
                return Ok(());
            };
            let listed = self.repository.list(project).await;
            let now = match &listed {
                Ok(listed) => self.state_of(project, file, listed).await,
                Err(error) => Err(error.clone()),
            };
            match now {
                Ok(FileState::Present) => return Ok(()),
                Ok(FileState::Conflict) => return Err(conflict(&file.filename)),
                _ => {}
            }
            if error.kind != ErrorKind::Transient {
                return Err(error);
            }
            match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    /// Reads the list until it holds every file with the right hash. Lists may lag behind uploads.
    pub(super) async fn verify(
        &self,
        release: &Release,
        patience: Duration,
    ) -> Result<(), RepositoryError> {
        let deadline = Instant::now() + patience;
        let mut pauses = pauses(usize::MAX);
        loop {
            let wrong = match self.states(release).await {
                Ok(states) => {
                    let mut pairs = release.files.iter().zip(states);
                    match pairs.find(|(_, state)| *state != FileState::Present) {
                        None => return Ok(()),
                        Some((file, FileState::Conflict)) => return Err(conflict(&file.filename)),
                        Some((file, _)) => RepositoryError::new(
                            ErrorKind::Transient,
                            format!("{} was sent but is not listed", file.filename),
                        ),
                    }
                }
                Err(error) if error.kind == ErrorKind::Transient => error,
                Err(error) => return Err(error),
            };
            let pause = pauses.next().unwrap_or(Duration::from_secs(1));
            if Instant::now() + pause > deadline {
                return Err(wrong);
            }
            sleep(pause).await;
        }
    }
}

fn conflict(filename: &str) -> RepositoryError {
    let message = format!("other bytes are already published as {filename}");
    RepositoryError::new(ErrorKind::Conflict, message)
}
