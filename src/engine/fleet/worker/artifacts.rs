//! Artifacts of needed jobs, straight out of the objects.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use aqueduct_core::{
    api::runner::artifact,
    id::{AttemptKey, GlobalAttempt, GlobalJobId},
};
use aqueduct_ports::{
    store::{ObjectError, Objects},
    workspace::{
        ArtifactKind, ArtifactStore, Format, Packer, Selected, Selection, StoredFile, WorkingCopy,
        WorkspaceError,
    },
};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokio::{fs::File, io::AsyncWriteExt as _};

use super::Fleet;

/// Artifacts of needed jobs, under the keys that [`super::FleetWork`] gives them. Its own jobs leave none.
pub struct FleetArtifacts {
    fleet: Arc<Fleet>,
    objects: Arc<dyn Objects>,
    packer: Arc<dyn Packer>,
}

impl FleetArtifacts {
    /// Archives lie in `objects`; `packer` unpacks them and has room for them until then.
    pub fn new(fleet: Arc<Fleet>, objects: Arc<dyn Objects>, packer: Arc<dyn Packer>) -> Self {
        Self {
            fleet,
            objects,
            packer,
        }
    }

    async fn download(&self, key: AttemptKey, target: &Path) -> Result<(), WorkspaceError> {
        let attempt = GlobalAttempt {
            job: GlobalJobId(key.job.0),
            attempt: key.attempt,
        };
        let left = self.fleet.store().artifacts_of(attempt).await;
        let left = left.map_err(|error| WorkspaceError::Unreachable(error.to_string()))?;
        let archive = left.into_iter().find(|one| one.kind == artifact::ARCHIVE);
        let archive = archive.ok_or_else(|| missing(attempt))?;
        if Format::parse(&archive.format) != Some(Format::Zip) {
            return Err(WorkspaceError::Refused(format!(
                "the archive of job {} is no zip but {}",
                attempt.job, archive.format
            )));
        }
        self.packer.room_for(archive.size)?;
        let gone = |error| match error {
            ObjectError::Missing(_) => missing(attempt),
            other => WorkspaceError::Unreachable(other.to_string()),
        };
        let mut pieces = self
            .objects
            .get(&archive.object, None)
            .await
            .map_err(gone)?;
        let unwritable = |cause: std::io::Error| WorkspaceError::Io {
            action: "write",
            path: target.display().to_string(),
            cause: cause.to_string(),
        };
        let mut file = File::create(target).await.map_err(unwritable)?;
        while let Some(piece) = pieces.next().await {
            file.write_all(&piece.map_err(gone)?)
                .await
                .map_err(unwritable)?;
        }
        file.flush().await.map_err(unwritable)
    }
}

#[async_trait]
impl ArtifactStore for FleetArtifacts {
    async fn store(
        &self,
        _copy: &WorkingCopy,
        _kind: &ArtifactKind,
        _selection: &Selection,
    ) -> Result<Selected, WorkspaceError> {
        Err(WorkspaceError::Refused(
            "the coordinator's own worker keeps no artifacts".to_owned(),
        ))
    }

    async fn read(
        &self,
        _key: AttemptKey,
        _kind: &ArtifactKind,
        _limit: u64,
    ) -> Result<Vec<StoredFile>, WorkspaceError> {
        Ok(Vec::new())
    }

    async fn fetch(&self, key: AttemptKey, into: PathBuf) -> Result<u64, WorkspaceError> {
        let file = self.packer.new_file();
        let fetched = match self.download(key, &file).await {
            Ok(()) => self.packer.unpack(file.clone(), into).await,
            Err(error) => Err(error),
        };
        // What is left goes with the worker's own directory.
        let _ = tokio::fs::remove_file(&file).await;
        fetched
    }
}

fn missing(attempt: GlobalAttempt) -> WorkspaceError {
    WorkspaceError::Missing(format!("the archive of job {}", attempt.job))
}
