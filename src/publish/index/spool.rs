//! Blobs between registries, fetched once however many registries they go to.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use aqueduct_core::image::{Descriptor, Digest, Reference};
use aqueduct_registry::{BlobSource, Layout, RegistryError, Repository, pull};
use tokio::sync::OnceCell;

use crate::spool::SpoolDir;

type Slot = Arc<OnceCell<PathBuf>>;

/// A directory of fetched blobs, removed with the value.
pub(super) struct Spool {
    dir: SpoolDir,
    slots: Mutex<HashMap<Digest, Slot>>,
}

impl Spool {
    pub(super) fn new() -> Result<Self, RegistryError> {
        let dir = SpoolDir::new().map_err(|source| RegistryError::Io {
            path: std::env::temp_dir(),
            source,
        })?;
        Ok(Self {
            dir,
            slots: Mutex::default(),
        })
    }

    /// The blob as something to upload from. A layout's blobs lie on the disk already.
    pub(super) async fn get(
        &self,
        from: &dyn Repository,
        blob: &Descriptor,
    ) -> Result<BlobSource, RegistryError> {
        if let Reference::Layout(place) = from.reference() {
            let path = Layout::new(place.clone()).blob_path(&blob.digest);
            return Ok(BlobSource::File(path));
        }
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(blob.digest.clone()).or_default())
        };
        let path = slot
            .get_or_try_init(|| async {
                let path = self.dir.path().join(blob.digest.hex());
                pull::download(from, blob, &path).await.map(|()| path)
            })
            .await?;
        Ok(BlobSource::File(path.clone()))
    }
}
