//! A repository of a registry, over HTTP (distribution-spec 1.1).

use aqueduct_core::image::{Descriptor, Digest, Reference, RegistryReference, Target, media};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};

use crate::{
    Access, BlobSource, BlobStream, Client, RawManifest, RegistryError, Repository,
    auth::Scope,
    blob::verified,
    client::Exchange,
    http::{bounded, failure, unreachable},
    retry::Pauses,
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

    /// Starts reading a blob at `offset`.
    async fn read_blob(&self, blob: &Descriptor, offset: u64) -> Result<BlobStream, RegistryError> {
        let what = self.blob_name(&blob.digest);
        let url = format!("{}/blobs/{}", self.base, blob.digest);
        let response = self
            .send(&what, &[], || {
                let request = self.client.request(Method::GET, &url);
                if offset == 0 {
                    return request;
                }
                request.header(header::RANGE, format!("bytes={offset}-"))
            })
            .await?;
        // A server that ignores the range starts over.
        let skip = if response.status() == StatusCode::PARTIAL_CONTENT {
            0
        } else {
            offset
        };
        let chunks = response.bytes_stream();
        let chunks = chunks.map(move |chunk| chunk.map_err(|error| unreachable(&error, &what)));
        Ok(Box::pin(skipping(Box::pin(chunks), skip)))
    }
}

/// Drops the first `skip` bytes of a stream.
fn skipping(
    inner: BlobStream,
    skip: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, RegistryError>> + Send {
    stream::unfold((inner, skip), |(mut inner, skip)| async move {
        let mut skip = skip;
        loop {
            match inner.next().await? {
                Ok(chunk) if (chunk.len() as u64) <= skip => skip -= chunk.len() as u64,
                Ok(chunk) => {
                    let rest = chunk.slice(usize::try_from(skip).unwrap_or(0)..);
                    return Some((Ok(rest), (inner, 0)));
                }
                Err(error) => return Some((Err(error), (inner, skip))),
            }
        }
    })
}

/// A read that goes on where a broken connection left it.
struct Resuming {
    repository: RemoteRepository,
    blob: Descriptor,
    inner: BlobStream,
    read: u64,
    pauses: Pauses,
    over: bool,
}

impl Resuming {
    async fn next(mut self) -> Option<(Result<Bytes, RegistryError>, Self)> {
        while !self.over {
            let error = match self.inner.next().await {
                Some(Ok(chunk)) => {
                    self.read += chunk.len() as u64;
                    return Some((Ok(chunk), self));
                }
                None if self.read >= self.blob.size => return None,
                // The connection closed early and the server had not said how much to expect.
                None => RegistryError::Unreachable {
                    what: self.repository.blob_name(&self.blob.digest),
                    cause: format!(
                        "the answer ended after {} of {} bytes",
                        self.read, self.blob.size
                    ),
                },
                Some(Err(error)) => error,
            };
            if let Err(error) = self.reopen(error).await {
                self.over = true;
                return Some((Err(error), self));
            }
        }
        None
    }

    async fn reopen(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        if !error.is_transient() || !self.pauses.wait(None).await {
            return Err(error);
        }
        self.inner = self.repository.read_blob(&self.blob, self.read).await?;
        Ok(())
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

    async fn blob(&self, blob: &Descriptor) -> Result<BlobStream, RegistryError> {
        let state = Resuming {
            inner: self.read_blob(blob, 0).await?,
            repository: self.clone(),
            blob: blob.clone(),
            read: 0,
            pauses: self.client.pauses(),
            over: false,
        };
        let stream: BlobStream = Box::pin(stream::unfold(state, Resuming::next));
        Ok(verified(stream, blob, self.blob_name(&blob.digest)))
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
