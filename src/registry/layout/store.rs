//! Files of a layout: written beside their place, then moved there.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use futures_util::StreamExt as _;
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

/// Makes the directory a layout.
pub(super) fn prepare(root: &Path) -> Result<(), RegistryError> {
    let blobs = root.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(RegistryError::io(blobs))?;
    let marker = root.join("oci-layout");
    if marker.exists() {
        return Ok(());
    }
    fs::write(&marker, br#"{"imageLayoutVersion":"1.0.0"}"#).map_err(RegistryError::io(marker))
}

/// Temporary files are private; blobs are for everybody.
pub(super) fn readable(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o644))
}

/// Writes a stream to `path`, which appears only if the stream ends well.
pub(super) async fn write_stream(
    root: PathBuf,
    path: PathBuf,
    mut stream: BlobStream,
) -> Result<(), RegistryError> {
    let at = path.clone();
    let temp = blocking(move || {
        prepare(&root)?;
        let dir = at.parent().unwrap_or(&root).to_owned();
        fs::create_dir_all(&dir).map_err(RegistryError::io(&dir))?;
        tempfile::NamedTempFile::new_in(&dir).map_err(RegistryError::io(dir))
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
    file.sync_all().await.map_err(RegistryError::io(&path))?;
    blocking(move || {
        readable(temp.as_file()).map_err(RegistryError::io(&path))?;
        temp.persist(&path)
            .map_err(|error| RegistryError::io(&path)(error.error))?;
        Ok(())
    })
    .await
}
