//! Blob downloads: streams that go on where a broken connection left them.

use aqueduct_core::image::Descriptor;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use reqwest::{Method, StatusCode, header};

use crate::{BlobStream, RegistryError, RemoteRepository, http::unreachable, retry::Pauses};

/// Bytes that a connection must have brought to earn the full number of tries again.
const PROGRESS: u64 = 1024 * 1024;

impl RemoteRepository {
    /// Starts reading a blob at `offset`.
    pub(crate) async fn read_blob(
        &self,
        blob: &Descriptor,
        offset: u64,
    ) -> Result<BlobStream, RegistryError> {
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
pub(crate) struct Resuming {
    repository: RemoteRepository,
    blob: Descriptor,
    inner: BlobStream,
    read: u64,
    /// Of `read` when the connection was opened.
    opened_at: u64,
    pauses: Pauses,
    over: bool,
}

impl Resuming {
    /// Goes on with `inner`, which begins after `read` bytes.
    pub(crate) fn new(
        repository: &RemoteRepository,
        blob: &Descriptor,
        inner: BlobStream,
        read: u64,
    ) -> Self {
        Self {
            inner,
            blob: blob.clone(),
            read,
            opened_at: read,
            pauses: repository.client.pauses(),
            repository: repository.clone(),
            over: false,
        }
    }

    /// The next chunk; an error only once all tries are used up.
    pub(crate) async fn next(mut self) -> Option<(Result<Bytes, RegistryError>, Self)> {
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
        // A connection that brought much is no sign of a server in trouble: a long download may break often.
        if self.read - self.opened_at >= PROGRESS {
            self.pauses = self.repository.client.pauses();
        }
        self.opened_at = self.read;
        if !error.is_transient() || !self.pauses.wait(None).await {
            return Err(error);
        }
        self.inner = self.repository.read_blob(&self.blob, self.read).await?;
        Ok(())
    }
}
