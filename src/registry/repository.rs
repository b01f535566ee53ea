//! What a registry's repository and an OCI layout have in common.

use aqueduct_core::image::{Descriptor, Digest, Manifest, Reference, Target};
use async_trait::async_trait;
use bytes::Bytes;

use crate::{BlobSource, BlobStream, Prefix, RegistryError};

/// A manifest as it lies in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawManifest {
    /// Media type it was served with.
    pub media_type: String,
    /// The exact bytes.
    pub bytes: Bytes,
    /// Digest of the bytes.
    pub digest: Digest,
}

impl RawManifest {
    /// Wraps bytes made here.
    pub fn new(media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            media_type: media_type.into(),
            digest: Digest::of(&bytes),
            bytes,
        }
    }

    /// A descriptor without platform.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(
            &self.media_type,
            self.digest.clone(),
            self.bytes.len() as u64,
        )
    }

    /// Looks into it; `what` names it in the error.
    pub fn parse(&self, what: &str) -> Result<Manifest, RegistryError> {
        Manifest::parse(Some(&self.media_type), &self.bytes).map_err(|source| {
            RegistryError::Manifest {
                what: what.to_owned(),
                source,
            }
        })
    }
}

/// One repository of a registry, or one layout directory. All calls may run in parallel.
#[async_trait]
pub trait Repository: Send + Sync {
    /// The reference it was opened with.
    fn reference(&self) -> &Reference;

    /// The manifest's bytes. Asked for by digest, they have that digest.
    async fn manifest(&self, target: &Target) -> Result<RawManifest, RegistryError>;

    /// Media type, digest and size of a manifest, `None` if it isn't there. Cheaper than [`Self::manifest`].
    async fn head_manifest(&self, target: &Target) -> Result<Option<Descriptor>, RegistryError>;

    /// Streams a blob. The stream's last item is an error if digest or size differ from the descriptor's.
    async fn blob(&self, blob: &Descriptor) -> Result<BlobStream, RegistryError> {
        self.rest_of_blob(blob, Prefix::none(blob)).await
    }

    /// As [`Self::blob`], without the bytes that are here already. The stream's end proves both together.
    async fn rest_of_blob(
        &self,
        blob: &Descriptor,
        prefix: Prefix,
    ) -> Result<BlobStream, RegistryError>;

    /// Whether a blob is here.
    async fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryError>;

    /// Stores a blob unless it is here already.
    async fn put_blob(&self, blob: &Descriptor, source: &BlobSource) -> Result<(), RegistryError>;

    /// Takes a blob over from another repository of the same registry without moving its bytes. `false` if that can't be
    /// done; then it has to be copied.
    async fn mount(&self, blob: &Descriptor, from: &Reference) -> Result<bool, RegistryError>;

    /// Stores a manifest as it is. By digest it stays without a name; by tag it moves the tag.
    async fn put_manifest(
        &self,
        target: &Target,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError>;
}
