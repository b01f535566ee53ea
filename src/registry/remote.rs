//! A repository of a registry, over HTTP (distribution-spec 1.1).

use aqueduct_core::image::{Descriptor, Digest, Reference, RegistryReference, Target, media};
use async_trait::async_trait;
use futures_util::stream;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};

use crate::{
    Access, BlobSource, BlobStream, Client, Prefix, RawManifest, RegistryError, Repository,
    auth::Scope,
    blob::verified,
    client::Exchange,
    download::Resuming,
    http::{bounded, failure},
};

/// Registries need not take larger manifests (distribution-spec 1.1, "pushing manifests"); some allow a little more.
const MANIFEST_LIMIT: usize = 8 * 1024 * 1024;
/// Header with the digest of a manifest.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// One repository of a registry.
#[derive(Clone, Debug)]
pub struct RemoteRepository {
    pub(crate) client: Client,
    pub(crate) place: RegistryReference,
    pub(crate) base: String,
    pub(crate) scope: Scope,
    reference: Reference,
}

impl RemoteRepository {
    pub(crate) fn new(client: Client, place: RegistryReference, access: Access) -> Self {
        let scope = match access {
            Access::Pull => Scope::pull(&place.repository),
            Access::Push => Scope::push(&place.repository),
        };
        Self {
            base: client.base_url(&place),
            reference: Reference::Registry(place.clone()),
            client,
            place,
            scope,
        }
    }

    /// `registry/repository:tag` or `registry/repository@digest`.
    pub(crate) fn name_of(&self, target: &Target) -> String {
        self.reference.with_target(target).to_string()
    }

    pub(crate) fn blob_name(&self, digest: &Digest) -> String {
        format!("blob {}@{digest}", self.place.name())
    }

    pub(crate) async fn send(
        &self,
        what: &str,
        accepted: &[StatusCode],
        build: impl Fn() -> RequestBuilder,
    ) -> Result<Response, RegistryError> {
        let exchange = Exchange {
            registry: &self.place.registry,
            scope: &self.scope,
            what,
            accepted,
        };
        self.client.send(&exchange, build).await
    }

    fn manifest_request(&self, method: Method, target: &Target) -> RequestBuilder {
        let url = format!("{}/manifests/{target}", self.base);
        self.client
            .request(method, &url)
            .header(header::ACCEPT, media::ACCEPT.join(", "))
    }
}

#[async_trait]
impl Repository for RemoteRepository {
    fn reference(&self) -> &Reference {
        &self.reference
    }

    async fn manifest(&self, target: &Target) -> Result<RawManifest, RegistryError> {
        let what = self.name_of(target);
        let response = self
            .send(&what, &[], || self.manifest_request(Method::GET, target))
            .await?;
        let media_type = content_type(&response);
        let promised = header_digest(&response);
        let bytes = bounded(response, MANIFEST_LIMIT, &what).await?;
        let expected = match target {
            Target::Digest(digest) => Some(digest.clone()),
            Target::Tag(_) => promised,
        };
        if let Some(expected) = expected.filter(|expected| !expected.matches(&bytes)) {
            return Err(RegistryError::digest(what, &expected, &Digest::of(&bytes)));
        }
        let mut manifest = RawManifest::new(media_type, bytes);
        if let Target::Digest(digest) = target {
            manifest.digest = digest.clone();
        }
        Ok(manifest)
    }

    async fn head_manifest(&self, target: &Target) -> Result<Option<Descriptor>, RegistryError> {
        let what = self.name_of(target);
        let response = self
            .send(&what, &[StatusCode::NOT_FOUND], || {
                self.manifest_request(Method::HEAD, target)
            })
            .await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let digest = match target {
            Target::Digest(digest) => Some(digest.clone()),
            Target::Tag(_) => header_digest(&response),
        };
        let length = response.headers().get(header::CONTENT_LENGTH);
        let size = length.and_then(|value| value.to_str().ok()?.parse().ok());
        match (digest, size) {
            (Some(digest), Some(size)) => {
                Ok(Some(Descriptor::new(content_type(&response), digest, size)))
            }
            // Old registries leave one of them out.
            _ => Ok(Some(self.manifest(target).await?.descriptor())),
        }
    }

    async fn rest_of_blob(
        &self,
        blob: &Descriptor,
        prefix: Prefix,
    ) -> Result<BlobStream, RegistryError> {
        let read = prefix.length();
        // A server would refuse to send nothing.
        let stream: BlobStream = if read >= blob.size && read > 0 {
            Box::pin(stream::empty())
        } else {
            let inner = self.read_blob(blob, read).await?;
            let state = Resuming::new(self, blob, inner, read);
            Box::pin(stream::unfold(state, Resuming::next))
        };
        let what = self.blob_name(&blob.digest);
        Ok(verified(stream, prefix, blob, what))
    }

    async fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let url = format!("{}/blobs/{digest}", self.base);
        let response = self
            .send(&self.blob_name(digest), &[StatusCode::NOT_FOUND], || {
                self.client.request(Method::HEAD, &url)
            })
            .await?;
        Ok(response.status() != StatusCode::NOT_FOUND)
    }

    async fn put_blob(&self, blob: &Descriptor, source: &BlobSource) -> Result<(), RegistryError> {
        if self.has_blob(&blob.digest).await? {
            return Ok(());
        }
        self.upload(blob, source).await
    }

    async fn mount(&self, blob: &Descriptor, from: &Reference) -> Result<bool, RegistryError> {
        match from {
            Reference::Registry(other) if other.registry == self.place.registry => {
                self.mount_from(blob, &other.repository).await
            }
            _ => Ok(false),
        }
    }

    async fn put_manifest(
        &self,
        target: &Target,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let what = self.name_of(target);
        let url = format!("{}/manifests/{target}", self.base);
        let response = self
            .send(&what, &[], || {
                self.client
                    .request(Method::PUT, &url)
                    .header(header::CONTENT_TYPE, &manifest.media_type)
                    .body(manifest.bytes.clone())
            })
            .await?;
        if response.status() == StatusCode::ACCEPTED {
            return Err(failure(response, &what).await);
        }
        match header_digest(&response) {
            Some(stored) if !stored.matches(&manifest.bytes) => {
                Err(RegistryError::digest(what, &manifest.digest, &stored))
            }
            _ => Ok(()),
        }
    }
}

fn header_digest(response: &Response) -> Option<Digest> {
    let value = response.headers().get(CONTENT_DIGEST)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// The media type without its parameters.
fn content_type(response: &Response) -> String {
    let value = response.headers().get(header::CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_owned()
}
