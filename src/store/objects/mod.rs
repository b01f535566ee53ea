//! Objects in a directory, through `object_store`: the same calls will reach S3.

mod body;

use std::{
    fs::DirBuilder,
    ops::Range,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use aqueduct_ports::store::{ObjectBody, ObjectError, ObjectInfo, Objects};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::{
    GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem,
    path::Path as Key,
};
use sha2::{Digest, Sha256};

/// Bytes that are handed to the disk at once.
const PART: usize = 1 << 20;
/// What `object_store` appends to the name of a file that is not complete yet.
const STAGED: &str = "#1";

/// Objects as files of a directory.
///
/// A file is written under another name, flushed to the disk, and renamed: whoever looks sees all of it or nothing. What a killed
/// process left under the other name goes when its key is deleted, as the key of an object that was reserved and never used.
pub struct ObjectDirectory {
    files: Arc<LocalFileSystem>,
    root: PathBuf,
}

impl ObjectDirectory {
    /// Opens a directory, which is made if it isn't there. It must belong to one coordinator alone.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        let mut made = DirBuilder::new();
        made.recursive(true).mode(0o700).create(root)?;
        let files = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        Ok(Self {
            files: Arc::new(files),
            root: root.to_path_buf(),
        })
    }
}

#[async_trait]
impl Objects for ObjectDirectory {
    async fn put(
        &self,
        key: &str,
        body: ObjectBody,
        limit: u64,
    ) -> Result<ObjectInfo, ObjectError> {
        let location = location(key)?;
        let upload = self.files.put_multipart(&location).await;
        let upload = upload.map_err(|error| failure(key, error))?;
        let key = key.to_owned();
        // In a task of its own, so that what is half written is cleared away also if the caller goes away.
        let task = tokio::spawn(async move { write(&key, upload, body, limit).await });
        let stopped = |_| Err(ObjectError::Unavailable("it is being closed".to_owned()));
        task.await.unwrap_or_else(stopped)
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<ObjectBody, ObjectError> {
        if range.as_ref().is_some_and(Range::is_empty) {
            return Ok(futures_util::stream::empty().boxed());
        }
        let options = GetOptions {
            range: range.map(Into::into),
            ..GetOptions::default()
        };
        let found = self.files.get_opts(&location(key)?, options).await;
        body::of(found.map_err(|error| failure(key, error))?).await
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, ObjectError> {
        match self.files.head(&location(key)?).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(key, error)),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        let location = location(key)?;
        let staged = self.root.join(format!("{location}{STAGED}"));
        match tokio::fs::remove_file(staged).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ObjectError::Unavailable(error.to_string()));
            }
            _ => {}
        }
        match self.files.delete(&location).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(key, error)),
        }
    }
}

/// A key as a path below the directory; one that leads out of it is nobody's.
fn location(key: &str) -> Result<Key, ObjectError> {
    Key::parse(key).map_err(|_| ObjectError::Missing(key.to_owned()))
}

fn failure(key: &str, error: object_store::Error) -> ObjectError {
    match error {
        object_store::Error::NotFound { .. } => ObjectError::Missing(key.to_owned()),
        other => ObjectError::Unavailable(other.to_string()),
    }
}

async fn write(
    key: &str,
    mut upload: Box<dyn MultipartUpload>,
    body: ObjectBody,
    limit: u64,
) -> Result<ObjectInfo, ObjectError> {
    let written = match parts(key, upload.as_mut(), body, limit).await {
        Ok(info) => upload
            .complete()
            .await
            .map(|_| info)
            .map_err(|error| failure(key, error)),
        Err(error) => Err(error),
    };
    if written.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::debug!(key, %error, "half an object was left");
    }
    written
}

async fn parts(
    key: &str,
    upload: &mut dyn MultipartUpload,
    mut body: ObjectBody,
    limit: u64,
) -> Result<ObjectInfo, ObjectError> {
    let (mut hash, mut size) = (Sha256::new(), 0);
    let (mut part, mut gathered) = (Vec::new(), 0);
    while let Some(bytes) = body.next().await {
        let bytes: Bytes = bytes?;
        size += bytes.len() as u64;
        if size > limit {
            return Err(ObjectError::TooLarge { limit });
        }
        hash.update(&bytes);
        gathered += bytes.len();
        part.push(bytes);
        if gathered >= PART {
            let payload: PutPayload = std::mem::take(&mut part).into_iter().collect();
            gathered = 0;
            let put = upload.put_part(payload).await;
            put.map_err(|error| failure(key, error))?;
        }
    }
    let payload: PutPayload = part.into_iter().collect();
    let put = upload.put_part(payload).await;
    put.map_err(|error| failure(key, error))?;
    Ok(ObjectInfo {
        size,
        sha256: hex::encode(hash.finalize()),
    })
}
