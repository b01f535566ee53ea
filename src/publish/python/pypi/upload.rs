//! The legacy upload: one multipart form a file, streamed from disk with its length known beforehand.

use std::time::Duration;

use aqueduct_core::package::form_fields;
use reqwest::{
    Body, header,
    multipart::{Form, Part},
};
use tokio_util::io::ReaderStream;

use super::{Pypi, refused, unreachable};
use crate::python::{
    distribution::Distribution,
    repository::{ErrorKind, RepositoryError},
};

/// Time that any upload has.
const BASE_TIME: Duration = Duration::from_mins(2);
/// Slowest connection that is waited for, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

impl Pypi {
    /// Posts one file.
    pub(super) async fn post(&self, file: &Distribution) -> Result<(), RepositoryError> {
        let url = &self.upload_url;
        let form = form(file).await?;
        let time = BASE_TIME + Duration::from_secs(file.size / SLOWEST);
        let request = self
            .authorized(url, self.uploads.post(url.clone()))
            .header(
                header::ACCEPT,
                "application/json, text/plain;q=0.5, */*;q=0.1",
            )
            .timeout(time)
            .multipart(form);
        let response = request
            .send()
            .await
            .map_err(|error| unreachable(&error, url))?;
        if response.status().is_success() {
            return Ok(());
        }
        if response.status().is_redirection() {
            let message = format!(
                "{url}: answers with a redirect (status {}); is the upload_url complete, with its trailing slash?",
                response.status().as_u16()
            );
            return Err(RepositoryError::new(ErrorKind::Refused, message));
        }
        Err(refused(response, url).await)
    }
}

async fn form(file: &Distribution) -> Result<Form, RepositoryError> {
    let failed = |message: String| RepositoryError::new(ErrorKind::Fatal, message);
    let mut form = Form::new();
    for (name, value) in form_fields(&file.name, &file.metadata) {
        form = form.text(name, value);
    }
    form = form
        .text("sha256_digest", file.sha256.clone())
        .text("blake2_256_digest", file.blake2.clone());
    let input = tokio::fs::File::open(&file.path)
        .await
        .map_err(|error| failed(format!("{}: {error}", file.path.display())))?;
    let stream = ReaderStream::with_capacity(input, 128 * 1024);
    let content = Part::stream_with_length(Body::wrap_stream(stream), file.size)
        .file_name(file.filename.clone())
        .mime_str("application/octet-stream")
        .map_err(|error| failed(error.to_string()))?;
    Ok(form.part("content", content))
}
