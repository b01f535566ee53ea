//! Getting one layer: fetched, checked, unpacked, and only then under its name.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use aqueduct_core::image::{Descriptor, Digest};
use aqueduct_registry::{RegistryError, Repository, pull};

use super::PullError;
use crate::oci::unpack::unpack;

/// Digits of a layer's name. overlayfs takes one page of names, so they are as short as 128 bits allow.
const NAME_DIGITS: usize = 32;
/// How long the beginning of a blob waits for the pull that goes on with it.
const KEEP_BLOBS: Duration = Duration::from_hours(24);
/// Pause between two looks at a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

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
pub(super) struct Places {
    pub(super) whole: PathBuf,
    pub(super) partial: PathBuf,
    pub(super) lock: PathBuf,
}

impl Places {
    pub(super) fn of(root: &Path, name: &str) -> Self {
        Self {
            whole: root.join("layers").join(name),
            partial: root.join("layers").join(format!(".{name}")),
            lock: root.join("locks").join(name),
        }
    }

    /// Removes what an earlier holder of the lock left.
    pub(super) fn clear(&self) -> io::Result<()> {
        absent(fs::remove_dir_all(&self.partial))
    }
}

impl Layer {
    /// Where its tar lies while it is being fetched. A layer may come in several compressions.
    fn blob_path(&self, root: &Path) -> PathBuf {
        let digest = self.blob.digest.hex();
        let digest = digest.get(..NAME_DIGITS).unwrap_or(digest);
        root.join("blobs").join(format!("{}.{digest}", self.name))
    }

    /// The image is there, only not all of it.
    fn explain(&self, error: RegistryError) -> PullError {
        let digest = &self.blob.digest;
        match (error, self.blob.urls.first()) {
            (RegistryError::NotFound { .. }, Some(url)) => PullError::Image(format!(
                "its layer {digest} is a foreign one, kept not in the registry but at {url}, which is not asked"
            )),
            (RegistryError::NotFound { .. }, None) => {
                PullError::Image(format!("its layer {digest} is missing from the registry"))
            }
            (other, _) => other.into(),
        }
    }
}

/// Sees to it that the layer is in the store at `root`. Of several processes that want the same one, one works. A fetch
/// that breaks off, or whose future is dropped, is taken up by the next process.
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
    let lock = wait_for(places.lock.clone(), File::try_lock)
        .await
        .map_err(&failed)?;
    if places.whole.is_dir() {
        return Ok(());
    }
    let blob = layer.blob_path(root);
    for dir in [blob.parent(), places.whole.parent()].into_iter().flatten() {
        fs::create_dir_all(dir).map_err(&failed)?;
    }
    let fetched = pull::download(repository, &layer.blob, &blob).await;
    if fetched
        .as_ref()
        .is_err_and(|error| !matches!(error, RegistryError::Unreachable { .. }))
    {
        // No later try will make more of it.
        let _ = fs::remove_file(&blob);
    }
    fetched.map_err(|error| layer.explain(error))?;
    let stop = Stop::default();
    let (flag, diff_id) = (stop.flag(), layer.diff_id.clone());
    let unpacking = blocking(move || {
        // Held until the end, also if nobody waits for it any more.
        let _lock = lock;
        let result = unpack_into(&places, &blob, &diff_id, &flag);
        // Who stops is in a hurry: the next process clears up.
        if result.is_err() && !flag.load(Ordering::Relaxed) {
            // The error tells more than a failure to clean up after it.
            let _ = places.clear();
            let _ = fs::remove_file(&blob);
        }
        result
    });
    unpacking.await.map_err(&failed)?
}

/// Tells a thread that nobody waits for it any more, by being dropped.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn unpack_into(
    places: &Places,
    blob: &Path,
    diff_id: &Digest,
    stop: &AtomicBool,
) -> Result<(), PullError> {
    let failed = PullError::store(&places.partial);
    places.clear().map_err(&failed)?;
    fs::create_dir(&places.partial).map_err(&failed)?;
    unpack(blob, &places.partial, diff_id, stop)?;
    fs::rename(&places.partial, &places.whole).map_err(&failed)?;
    fs::remove_file(blob).map_err(&failed)
}

/// Removes partial layers that nobody works on, and blobs that nobody went on with for a day.
pub(super) fn tidy(root: &Path, now: SystemTime) {
    for name in names(root, "layers") {
        if let Some(name) = name.strip_prefix('.')
            && let places = Places::of(root, name)
            && let Some(_lock) = free(&places)
        {
            // What can't be removed now is tried again by the next process, or by whoever wants the layer.
            let _ = places.clear();
        }
    }
    for name in names(root, "blobs") {
        let path = root.join("blobs").join(&name);
        let layer = name.split('.').next().unwrap_or_default();
        let changed = fs::metadata(&path).and_then(|meta| meta.modified());
        let kept = changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age < KEEP_BLOBS));
        if !kept && free(&Places::of(root, layer)).is_some() {
            let _ = fs::remove_file(path);
        }
    }
}

/// Names of all unpacked layers.
pub(super) fn layer_names(root: &Path) -> Vec<String> {
    let mut names = names(root, "layers");
    names.retain(|name| !name.starts_with('.'));
    names
}

fn names(root: &Path, dir: &str) -> Vec<String> {
    fs::read_dir(root.join(dir))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

/// The layer's lock, if nobody works on it.
fn free(places: &Places) -> Option<File> {
    let lock = open_lock(&places.lock).ok()?;
    lock.try_lock().is_ok().then_some(lock)
}

/// Takes a lock in one way or the other. Asks again and again rather than block a thread, which a canceled run would have
/// to wait for.
pub(super) async fn wait_for(
    path: PathBuf,
    take: impl Fn(&File) -> Result<(), TryLockError>,
) -> io::Result<File> {
    let lock = open_lock(&path)?;
    loop {
        match take(&lock) {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

pub(super) fn open_lock(path: &Path) -> io::Result<File> {
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
        fs::create_dir_all(store.path().join("blobs")).unwrap();
        let blob = |name: &str| store.path().join("blobs").join(format!("{name}.d1"));
        for name in ["left", "wanted"] {
            fs::create_dir_all(Places::of(store.path(), name).partial.join("etc")).unwrap();
            fs::write(blob(name), "half a t").unwrap();
        }
        let whole = Places::of(store.path(), "whole").whole;
        fs::create_dir(&whole).unwrap();
        let lock = open_lock(&Places::of(store.path(), "wanted").lock).unwrap();
        lock.lock().unwrap();
        let exists = |name: &str| {
            let partial = Places::of(store.path(), name).partial;
            (partial.exists(), blob(name).exists())
        };
        tidy(store.path(), SystemTime::now());
        assert_eq!(
            exists("left"),
            (false, true),
            "the next pull goes on with the blob"
        );
        tidy(store.path(), SystemTime::now() + 2 * KEEP_BLOBS);
        assert_eq!(exists("left"), (false, false));
        assert_eq!(exists("wanted"), (true, true));
        assert!(whole.exists());
    }
}
