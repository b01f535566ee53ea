//! OCI image layouts: a directory with `oci-layout`, `index.json` and `blobs/` (image-spec 1.1, "image layout").

mod index;
mod store;

use std::path::{Path, PathBuf};

use aqueduct_core::image::{Descriptor, Digest, LayoutReference, Reference, Target, media};
use async_trait::async_trait;

use crate::{
    BlobSource, BlobStream, Prefix, RawManifest, RegistryError, Repository,
    blob::{file_stream, verified},
};

/// One layout directory. It is made by the first write. Writers of several processes take turns at `index.json`;
/// every file appears whole or not at all, so a killed writer leaves nothing wrong.
#[derive(Clone, Debug)]
pub struct Layout {
    place: LayoutReference,
    reference: Reference,
}

impl Layout {
    /// The layout that a reference names.
    pub fn new(place: LayoutReference) -> Self {
        Self {
            reference: Reference::Layout(place.clone()),
            place,
        }
    }

    /// The layout at `path`, no image of it in particular.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::new(LayoutReference {
            path: path.into(),
            tag: None,
            digest: None,
        })
    }

    fn root(&self) -> &Path {
        &self.place.path
    }

    /// File of a blob, whether it exists or not.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root()
            .join("blobs")
            .join(digest.algorithm())
            .join(digest.hex())
    }

    fn name_of(&self, target: &Target) -> String {
        self.reference.with_target(target).to_string()
    }

    /// The entries of `index.json`.
    pub async fn entries(&self) -> Result<Vec<Descriptor>, RegistryError> {
        let root = self.root().to_owned();
        store::blocking(move || index::read(&root)).await
    }

    /// The entry a target means. A layout opened without a tag that holds one entry means that one.
    async fn find(&self, target: &Target) -> Result<Option<Descriptor>, RegistryError> {
        let entries = self.entries().await?;
        let named = match target {
            Target::Digest(digest) => entries.iter().find(|entry| entry.digest == *digest),
            Target::Tag(tag) => entries.iter().find(|entry| index::name(entry) == Some(tag)),
        };
        let untagged = self.place.tag.is_none() && matches!(target, Target::Tag(_));
        Ok(match (named, entries.as_slice()) {
            (Some(entry), _) => Some(entry.clone()),
            (None, [only]) if untagged => Some(only.clone()),
            _ => None,
        })
    }

    async fn read_manifest(
        &self,
        what: &str,
        digest: &Digest,
        media_type: Option<String>,
    ) -> Result<RawManifest, RegistryError> {
        let bytes = store::read(self.blob_path(digest), what).await?;
        if !digest.matches(&bytes) {
            return Err(RegistryError::digest(what, digest, &Digest::of(&bytes)));
        }
        let media_type = media_type.unwrap_or_else(|| sniff(&bytes));
        Ok(RawManifest {
            media_type,
            bytes: bytes.into(),
            digest: digest.clone(),
        })
    }
}

/// The media type a manifest says it has; where it is silent, the shape tells.
fn sniff(bytes: &[u8]) -> String {
    let document: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let said = document
        .get("mediaType")
        .and_then(serde_json::Value::as_str);
    let shape = if document.get("manifests").is_some() {
        media::INDEX
    } else {
        media::MANIFEST
    };
    said.unwrap_or(shape).to_owned()
}

#[async_trait]
impl Repository for Layout {
    fn reference(&self) -> &Reference {
        &self.reference
    }

    async fn manifest(&self, target: &Target) -> Result<RawManifest, RegistryError> {
        let what = self.name_of(target);
        if let Some(entry) = self.find(target).await? {
            return self
                .read_manifest(&what, &entry.digest, Some(entry.media_type))
                .await;
        }
        match target {
            Target::Digest(digest) => self.read_manifest(&what, digest, None).await,
            Target::Tag(_) => Err(RegistryError::NotFound {
                what,
                message: index::available(self.root(), &self.entries().await?),
            }),
        }
    }

    async fn head_manifest(&self, target: &Target) -> Result<Option<Descriptor>, RegistryError> {
        match self.manifest(target).await {
            Ok(manifest) => Ok(Some(manifest.descriptor())),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn rest_of_blob(
        &self,
        blob: &Descriptor,
        prefix: Prefix,
    ) -> Result<BlobStream, RegistryError> {
        let path = self.blob_path(&blob.digest);
        let what = format!("blob {} of {}", blob.digest, self.root().display());
        if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
            return Err(RegistryError::NotFound {
                what,
                message: String::new(),
            });
        }
        let stream = file_stream(path, prefix.length()).await?;
        Ok(verified(stream, prefix, blob, what))
    }

    async fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let path = self.blob_path(digest);
        tokio::fs::try_exists(&path)
            .await
            .map_err(RegistryError::io(path))
    }

    async fn put_blob(&self, blob: &Descriptor, source: &BlobSource) -> Result<(), RegistryError> {
        if self.has_blob(&blob.digest).await? {
            return Ok(());
        }
        let (path, what) = (
            self.blob_path(&blob.digest),
            format!("blob {}", blob.digest),
        );
        let stream = verified(source.open().await?, Prefix::none(blob), blob, what);
        store::write_stream(self.root().to_owned(), path, stream).await
    }

    async fn mount(&self, _blob: &Descriptor, _from: &Reference) -> Result<bool, RegistryError> {
        Ok(false)
    }

    async fn put_manifest(
        &self,
        target: &Target,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let blob = manifest.descriptor();
        self.put_blob(&blob, &BlobSource::Bytes(manifest.bytes.clone()))
            .await?;
        let Target::Tag(tag) = target else {
            return Ok(());
        };
        let (root, tag) = (self.root().to_owned(), tag.clone());
        store::blocking(move || index::put(&root, blob, &tag)).await
    }
}

#[cfg(test)]
mod tests;
