//! The port of the artifact store over HTTP (runner-protocol 5).

mod download;
mod upload;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use aqueduct_core::{api::runner::artifact, id::AttemptKey};
use aqueduct_ports::workspace::{
    ArtifactKind, ArtifactStore, Format, Packer, Selected, Selection, StoredFile, WorkingCopy,
    WorkspaceError,
};
use async_trait::async_trait;

use crate::{
    api::Api,
    source::{HttpWorkSource, Leases, lock},
};

/// How long a server that is away is tried again.
const PATIENCE: Duration = Duration::from_mins(10);
/// First pause between tries.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between tries.
const MAX_PAUSE: Duration = Duration::from_secs(15);

/// Uploads what jobs leave, downloads what they need, under the tokens of their leases.
pub struct RemoteArtifacts {
    api: Api,
    leases: Arc<Leases>,
    packer: Arc<dyn Packer>,
    /// What was stored last under each kind of report, to be read again.
    reports: Mutex<BTreeMap<(AttemptKey, String), (WorkingCopy, Selection)>>,
}

impl RemoteArtifacts {
    /// For the jobs of this source.
    pub fn new(source: &HttpWorkSource, packer: Arc<dyn Packer>) -> Self {
        Self {
            api: source.api.clone(),
            leases: source.leases.clone(),
            packer,
            reports: Mutex::default(),
        }
    }

    /// Reports of leases that are over are read by nobody any more.
    fn remember(&self, copy: &WorkingCopy, kind: &ArtifactKind, selection: &Selection) {
        let ArtifactKind::Report(kind) = kind else {
            return;
        };
        let mut reports = lock(&self.reports);
        reports.retain(|(key, _), _| self.leases.of(*key).is_some());
        let key = (copy.key, kind.clone());
        reports.insert(key, (copy.clone(), selection.clone()));
    }
}

#[async_trait]
impl ArtifactStore for RemoteArtifacts {
    async fn store(
        &self,
        copy: &WorkingCopy,
        kind: &ArtifactKind,
        selection: &Selection,
    ) -> Result<Selected, WorkspaceError> {
        let held = self.leases.of(copy.key).ok_or_else(over)?;
        self.remember(copy, kind, selection);
        let plan = held.upload(kind);
        let packed = self.packer.pack(copy, selection, plan.format).await?;
        let Some(file) = &packed.file else {
            return Ok(packed.selected);
        };
        let sent = self.upload(&held, &plan, &packed, file).await;
        // What is left goes with the runner's own directory.
        let _ = tokio::fs::remove_file(file).await;
        sent.map(|()| packed.selected)
    }

    async fn read(
        &self,
        key: AttemptKey,
        kind: &ArtifactKind,
        limit: u64,
    ) -> Result<Vec<StoredFile>, WorkspaceError> {
        let ArtifactKind::Report(kind) = kind else {
            return Err(WorkspaceError::Missing("the archive".to_owned()));
        };
        let stored = lock(&self.reports).get(&(key, kind.clone())).cloned();
        match stored {
            Some((copy, selection)) => self.packer.read(&copy, &selection, limit).await,
            None => Ok(Vec::new()),
        }
    }

    async fn fetch(&self, key: AttemptKey, into: PathBuf) -> Result<u64, WorkspaceError> {
        let file = self.packer.new_file();
        let fetched = match self.download(key, &file).await {
            Ok(()) => self.packer.unpack(file.clone(), into).await,
            Err(error) => Err(error),
        };
        let _ = tokio::fs::remove_file(&file).await;
        fetched
    }
}

fn over() -> WorkspaceError {
    WorkspaceError::Unreachable("the lease is over".to_owned())
}

/// What is to be sent, and under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadPlan {
    pub(crate) kind: String,
    pub(crate) format: Format,
    /// Without its ending.
    pub(crate) name: String,
    pub(crate) expire_in: String,
}

impl UploadPlan {
    /// As the payload's entry of that kind says; as GitLab does it where there is none.
    pub(crate) fn new(
        kind: &ArtifactKind,
        entries: &[aqueduct_core::api::runner::payload::Artifact],
    ) -> Self {
        let (kind, name) = match kind {
            ArtifactKind::Archive { name } => (artifact::ARCHIVE, name.clone()),
            ArtifactKind::Report(kind) => (kind.as_str(), None),
        };
        let is_archive = kind == artifact::ARCHIVE;
        let entry = entries.iter().find(|entry| {
            entry.artifact_type == kind || (is_archive && entry.artifact_type.is_empty())
        });
        let (usual_format, usual_name) = if is_archive {
            (Format::Zip, String::new())
        } else {
            artifact::report(kind)
        };
        let format = entry.and_then(|entry| Format::parse(&entry.artifact_format));
        let named = entry
            .map(|entry| entry.name.clone())
            .filter(|name| !name.is_empty());
        Self {
            kind: kind.to_owned(),
            format: format.unwrap_or(usual_format),
            name: name.or(named).unwrap_or(usual_name),
            expire_in: entry
                .map(|entry| entry.expire_in.clone())
                .unwrap_or_default(),
        }
    }
}
