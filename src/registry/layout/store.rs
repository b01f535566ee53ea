//! Files of a layout: written beside their place, then moved there.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use futures_util::StreamExt as _;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use crate::{BlobStream, RegistryError};

/// Runs file work on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RegistryError> + Send + 'static,
) -> Result<T, RegistryError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| RegistryError::protocol("OCI layout", "the work was interrupted"))?
}

/// Reads a small blob.
pub(super) async fn read(path: PathBuf, what: &str) -> Result<Vec<u8>, RegistryError> {
    tokio::fs::read(&path).await.map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return RegistryError::NotFound {
                what: what.to_owned(),
                message: String::new(),
            };
        }
        RegistryError::io(path)(error)
    })
}

/// Name of the lock: of `index.json`, and of the moment in which a temporary file is made.
const LOCK: &str = ".index.lock";
/// Prefix of files that are still being written. Each is locked by its writer, so that a sweep can tell which are not.
const UNFINISHED: &str = ".aqueduct-";

/// Makes the directory a layout, waits for its lock, and removes what killed writers left. The lock lasts as long as the
/// answer.
pub(super) fn prepare(root: &Path) -> Result<File, RegistryError> {
    let blobs = root.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(RegistryError::io(blobs))?;
    let path = root.join(LOCK);
    let lock = File::create(&path).map_err(RegistryError::io(&path))?;
    lock.lock().map_err(RegistryError::io(&path))?;
    sweep(root).map_err(RegistryError::io(root))?;
    let marker = root.join("oci-layout");
    if !marker.exists() {
        place(root, &marker, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    }
    Ok(lock)
}

fn sweep(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        // A name that is gone by now was moved to its place.
        let abandoned = File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if abandoned {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A locked file beside everything else; call it with the layout's lock held.
fn unfinished(root: &Path) -> io::Result<NamedTempFile> {
    let temp = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(root)?;
    temp.as_file().lock()?;
    Ok(temp)
}

/// Writes a small file whole or not at all; call it with the layout's lock held.
pub(super) fn place(root: &Path, path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    let write = || -> io::Result<()> {
        let mut temp = unfinished(root)?;
        temp.write_all(bytes)?;
        finish(temp, path)
    };
    write().map_err(RegistryError::io(path))
}

fn finish(temp: NamedTempFile, path: &Path) -> io::Result<()> {
    // For everybody, whatever the umask.
    temp.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    temp.as_file().sync_all()?;
    temp.persist(path).map(drop).map_err(|error| error.error)
}

/// Writes a stream to `path`, which appears only if the stream ends well.
pub(super) async fn write_stream(
    root: PathBuf,
    path: PathBuf,
    mut stream: BlobStream,
) -> Result<(), RegistryError> {
    let at = path.clone();
    let temp = blocking(move || {
        let _lock = prepare(&root)?;
        let dir = at.parent().unwrap_or(&root);
        fs::create_dir_all(dir).map_err(RegistryError::io(dir))?;
        unfinished(&root).map_err(RegistryError::io(root))
    })
    .await?;
    let handle = temp
        .as_file()
        .try_clone()
        .map_err(RegistryError::io(&path))?;
    let mut file = tokio::fs::File::from_std(handle);
    while let Some(chunk) = stream.next().await {
        file.write_all(&chunk?)
            .await
            .map_err(RegistryError::io(&path))?;
    }
    file.flush().await.map_err(RegistryError::io(&path))?;
    drop(file);
    blocking(move || finish(temp, &path).map_err(RegistryError::io(path))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays() {
        let dir = tempfile::tempdir().unwrap();
        drop(prepare(dir.path()).unwrap());
        let left = dir.path().join(".aqueduct-left");
        fs::write(&left, "half a b").unwrap();
        let living = unfinished(dir.path()).unwrap();
        drop(prepare(dir.path()).unwrap());
        assert!(!left.exists());
        assert!(living.path().exists());
        let blob = dir.path().join("blobs/sha256/x");
        finish(living, &blob).unwrap();
        assert_eq!(
            fs::metadata(blob).unwrap().permissions().mode() & 0o777,
            0o644
        );
    }
}
