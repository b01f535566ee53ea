//! Getting one layer: fetched, checked, unpacked, and only then under its name.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use aqueduct_core::image::{Descriptor, Digest};
use aqueduct_registry::{Repository, pull};

use super::PullError;
use crate::oci::unpack::unpack;

/// Digits of a layer's name. overlayfs takes one page of names, so they are as short as 128 bits allow.
const NAME_DIGITS: usize = 32;

/// One layer of an image.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// Its name in the store, by content: images share layers however they are compressed.
    pub(super) name: String,
    /// Its tar in the registry.
    pub(super) blob: Descriptor,
    diff_id: Digest,
}

impl Layer {
    /// The layers of an image, lowest first.
    pub(super) fn all(resolved: &pull::Resolved) -> Result<Vec<Self>, PullError> {
        let blobs = &resolved.image.layers;
        let diff_ids = &resolved.config.rootfs.diff_ids;
        if blobs.len() != diff_ids.len() {
            return Err(PullError::Image(format!(
                "the manifest has {} layers and the configuration {}",
                blobs.len(),
                diff_ids.len()
            )));
        }
        blobs
            .iter()
            .zip(diff_ids)
            .map(|(blob, diff_id)| {
                let diff_id: Digest = diff_id
                    .parse()
                    .map_err(|error| PullError::Image(format!("{error}")))?;
                Ok(Self {
                    name: diff_id.hex().chars().take(NAME_DIGITS).collect(),
                    blob: blob.clone(),
                    diff_id,
                })
            })
            .collect()
    }
}

/// Paths of a layer in the store.
struct Places {
    whole: PathBuf,
    partial: PathBuf,
    blob: PathBuf,
    lock: PathBuf,
}

impl Places {
    fn of(root: &Path, name: &str) -> Self {
        Self {
            whole: root.join("layers").join(name),
            partial: root.join("layers").join(format!(".{name}")),
            blob: root.join("blobs").join(name),
            lock: root.join("locks").join(name),
        }
    }

    /// Removes what an earlier holder of the lock left.
    fn clear(&self) -> io::Result<()> {
        absent(fs::remove_dir_all(&self.partial))?;
        absent(fs::remove_file(&self.blob))
    }
}

/// Sees to it that the layer is in the store at `root`. Of several processes that want the same one, one works.
pub(super) async fn fetch_layer(
    root: &Path,
    repository: &dyn Repository,
    layer: &Layer,
) -> Result<(), PullError> {
    let places = Places::of(root, &layer.name);
    if places.whole.is_dir() {
        return Ok(());
    }
    let failed = PullError::store(root);
    let lock = take_lock(places.lock.clone()).await.map_err(&failed)?;
    if places.whole.is_dir() {
        return Ok(());
    }
    places.clear().map_err(&failed)?;
    for dir in [places.blob.parent(), places.whole.parent()]
        .into_iter()
        .flatten()
    {
        fs::create_dir_all(dir).map_err(&failed)?;
    }
    pull::download(repository, &layer.blob, &places.blob).await?;
    let diff_id = layer.diff_id.clone();
    let unpacking = blocking(move || {
        // Held until the end, also if nobody waits for it any more.
        let _lock = lock;
        let result = unpack_into(&places, &diff_id);
        if result.is_err() {
            // The error tells more than a failure to clean up after it.
            let _ = places.clear();
        }
        result
    });
    unpacking.await.map_err(&failed)?
}

fn unpack_into(places: &Places, diff_id: &Digest) -> Result<(), PullError> {
    let failed = PullError::store(&places.partial);
    fs::create_dir(&places.partial).map_err(&failed)?;
    unpack(&places.blob, &places.partial, diff_id)?;
    fs::rename(&places.partial, &places.whole).map_err(&failed)?;
    fs::remove_file(&places.blob).map_err(&failed)
}

/// Removes partial layers and blobs that nobody works on.
pub(super) fn tidy(root: &Path) {
    let names = |dir: &str, prefix: &str| -> Vec<String> {
        fs::read_dir(root.join(dir))
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                name.strip_prefix(prefix).map(str::to_owned)
            })
            .collect()
    };
    for name in names("layers", ".").into_iter().chain(names("blobs", "")) {
        let places = Places::of(root, &name);
        if let Ok(lock) = open_lock(&places.lock)
            && lock.try_lock().is_ok()
        {
            // What can't be removed now is tried again by the next process, or by whoever wants the layer.
            let _ = places.clear();
        }
    }
}

async fn take_lock(path: PathBuf) -> io::Result<File> {
    blocking(move || {
        let lock = open_lock(&path)?;
        lock.lock()?;
        Ok(lock)
    })
    .await?
}

fn open_lock(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    File::create(path)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)
}

fn absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_another_works_on_is_not() {
        let store = tempfile::tempdir().unwrap();
        for name in ["left", "wanted"] {
            let places = Places::of(store.path(), name);
            fs::create_dir_all(places.partial.join("etc")).unwrap();
            fs::create_dir_all(places.blob.parent().unwrap()).unwrap();
            fs::write(&places.blob, "half a t").unwrap();
        }
        let whole = Places::of(store.path(), "whole").whole;
        fs::create_dir(&whole).unwrap();
        let lock = open_lock(&Places::of(store.path(), "wanted").lock).unwrap();
        lock.lock().unwrap();
        tidy(store.path());
        let exists = |name: &str| {
            let places = Places::of(store.path(), name);
            (places.partial.exists(), places.blob.exists())
        };
        assert_eq!(exists("left"), (false, false));
        assert_eq!(exists("wanted"), (true, true));
        assert!(whole.exists());
    }
}
