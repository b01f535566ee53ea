//! Blob uploads: one session, one PUT, started over as a whole when it breaks.

use aqueduct_core::image::Descriptor;
use reqwest::{Body, Method, Response, StatusCode, Url, header};

use crate::{
    BlobSource, RegistryError, RemoteRepository,
    auth::Scope,
    client::Exchange,
    http::{failure, unreachable},
    retry::retry_after,
};

impl RemoteRepository {
    /// Uploads a blob. A half-finished upload can't be told from a finished one by its error, so before each new try the
    /// registry is asked whether the blob is there after all.
    pub(crate) async fn upload(
        &self,
        blob: &Descriptor,
        source: &BlobSource,
    ) -> Result<(), RegistryError> {
        let mut pauses = self.client.pauses();
        loop {
            let (error, pause) = match self.upload_once(blob, source).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            if !restartable(&error) || !pauses.wait(pause).await {
                return Err(error);
            }
            if crate::Repository::has_blob(self, &blob.digest).await? {
                return Ok(());
            }
        }
    }

    async fn upload_once(&self, blob: &Descriptor, source: &BlobSource) -> Result<(), Failed> {
        let what = self.blob_name(&blob.digest);
        let started = self
            .send(&what, &[], || {
                self.client
                    .request(Method::POST, &format!("{}/blobs/uploads/", self.base))
                    .header(header::CONTENT_LENGTH, 0)
            })
            .await
            .map_err(|error| (error, None))?;
        let mut url = session(&started, &what).map_err(|error| (error, None))?;
        url.query_pairs_mut()
            .append_pair("digest", blob.digest.as_str());
        let body = match source {
            BlobSource::Bytes(bytes) => Body::from(bytes.clone()),
            BlobSource::File(_) => {
                Body::wrap_stream(source.open().await.map_err(|error| (error, None))?)
            }
        };
        let request = self
            .client
            .upload_request(Method::PUT, url.as_str(), blob.size)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, blob.size)
            .body(body);
        let request = if same_origin(&url, &self.base) {
            self.client
                .authorize(&self.place.registry, &self.scope, request)
        } else {
            request
        };
        let response = request
            .send()
            .await
            .map_err(|error| (unreachable(&error, &what), None))?;
        if response.status() == StatusCode::CREATED || response.status() == StatusCode::NO_CONTENT {
            return Ok(());
        }
        let pause = retry_after(response.headers());
        Err((failure(response, &what).await, pause))
    }

    /// Asks for a blob of another repository of this registry. The token must read there and write here.
    pub(crate) async fn mount_from(
        &self,
        blob: &Descriptor,
        repository: &str,
    ) -> Result<bool, RegistryError> {
        let what = self.blob_name(&blob.digest);
        let mut url = Url::parse(&format!("{}/blobs/uploads/", self.base))
            .map_err(|error| RegistryError::protocol(&what, error.to_string()))?;
        url.query_pairs_mut()
            .append_pair("mount", blob.digest.as_str())
            .append_pair("from", repository);
        let exchange = Exchange {
            registry: &self.place.registry,
            scope: &self.scope.clone().and(Scope::pull(repository)),
            what: &what,
            accepted: &[],
        };
        let answer = self
            .client
            .send(&exchange, || {
                self.client
                    .request(Method::POST, url.as_str())
                    .header(header::CONTENT_LENGTH, 0)
            })
            .await;
        let response = match answer {
            Ok(response) => response,
            // No right to read there, or no mounts here: the copy will tell.
            Err(
                RegistryError::Refused { .. }
                | RegistryError::NotFound { .. }
                | RegistryError::Auth { .. },
            ) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        if response.status() == StatusCode::CREATED {
            return Ok(true);
        }
        self.abandon(&response, &what).await;
        Ok(false)
    }

    /// A mount that can't be done begins an ordinary upload; it is not used.
    async fn abandon(&self, response: &Response, what: &str) {
        let Ok(url) = session(response, what) else {
            return;
        };
        if same_origin(&url, &self.base) {
            let request = self.client.request(Method::DELETE, url.as_str());
            let request = self
                .client
                .authorize(&self.place.registry, &self.scope, request);
            if let Err(error) = request.send().await {
                tracing::debug!(%what, %error, "an unused upload session could not be ended");
            }
        }
    }
}

/// The URL to go on with; the header may be relative.
fn session(response: &Response, what: &str) -> Result<Url, RegistryError> {
    let location = response.headers().get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    location
        .and_then(|text| response.url().join(text).ok())
        .ok_or_else(|| RegistryError::protocol(what, "the answer has no usable Location"))
}

/// An error, and the pause the server asked for.
type Failed = (RegistryError, Option<std::time::Duration>);

/// Trouble of the server's own, or a session or token that ended under way.
fn restartable(error: &RegistryError) -> bool {
    match error {
        RegistryError::NotFound { .. } | RegistryError::Auth { status: 401, .. } => true,
        RegistryError::Refused { status, .. } => *status == 416,
        other => other.is_transient(),
    }
}

/// Whether credentials for `base` may go to `url`.
fn same_origin(url: &Url, base: &str) -> bool {
    Url::parse(base).is_ok_and(|base| base.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_at_their_origin() {
        let base = "https://r.example.com/v2/app";
        let table = [
            ("https://r.example.com/v2/app/blobs/uploads/1?x=y", true),
            ("https://r.example.com:443/x", true),
            ("http://r.example.com/x", false),
            ("https://storage.example.com/x", false),
            ("https://r.example.com:8443/x", false),
        ];
        for (url, same) in table {
            assert_eq!(same_origin(&Url::parse(url).unwrap(), base), same, "{url}");
        }
    }
}
