//! Reads back: a project's page, and files whose hash the page doesn't say.

use aqueduct_core::package::{ListedFile, parse_page};
use futures_util::StreamExt as _;
use reqwest::{Response, StatusCode, header};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Pypi, refused, unreachable};
use crate::python::repository::{ErrorKind, RepositoryError};

/// JSON before HTML; servers that know neither answer what they have.
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
    application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";
/// Redirects followed for one page.
const REDIRECTS: usize = 5;
/// Longest page.
const MOST_PAGE: usize = 256 * 1024 * 1024;

impl Pypi {
    /// The files on a project's page. A redirect to another host is refused: servers send unknown projects to a public
    /// index, where a project of the same name is somebody else's.
    pub(super) async fn page(&self, project: &str) -> Result<Vec<ListedFile>, RepositoryError> {
        let Some((url, response)) = self.get_page(project).await? else {
            return Ok(Vec::new());
        };
        let content_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let text = read_text(response, &url).await?;
        let mut files = parse_page(&content_type, &text)
            .map_err(|error| RepositoryError::new(ErrorKind::Fatal, format!("{url}: {error}")))?;
        for file in &mut files {
            if let Ok(absolute) = url.join(&file.href) {
                file.href = absolute.into();
            }
        }
        Ok(files)
    }

    /// The page's final address and answer; `None` for an unknown project.
    async fn get_page(&self, project: &str) -> Result<Option<(Url, Response)>, RepositoryError> {
        let fatal = |message: String| RepositoryError::new(ErrorKind::Fatal, message);
        let mut url = self
            .index_url
            .join(&format!("{project}/"))
            .map_err(|error| fatal(format!("{}: {error}", self.index_url)))?;
        for _ in 0..REDIRECTS {
            let request = self
                .authorized(&url, self.http.get(url.clone()))
                .header(header::ACCEPT, ACCEPT)
                .header(header::CACHE_CONTROL, "no-cache");
            let response = request
                .send()
                .await
                .map_err(|error| unreachable(&error, &url))?;
            match response.status() {
                StatusCode::NOT_FOUND => return Ok(None),
                status if status.is_success() => return Ok(Some((url, response))),
                status if status.is_redirection() => url = redirected(&url, &response)?,
                _ => return Err(refused(response, &url).await),
            }
        }
        Err(fatal(format!("{url}: more than {REDIRECTS} redirects")))
    }

    /// Downloads a file and hashes it. Files may well lie on another host.
    pub(super) async fn download_hash(
        &self,
        project: &str,
        file: &ListedFile,
    ) -> Result<String, RepositoryError> {
        let fatal = |message: String| RepositoryError::new(ErrorKind::Fatal, message);
        let mut url = Url::parse(&file.href)
            .map_err(|error| fatal(format!("{} of {project}: {error}", file.filename)))?;
        for _ in 0..REDIRECTS {
            let request = self.authorized(&url, self.http.get(url.clone()));
            let response = request
                .send()
                .await
                .map_err(|error| unreachable(&error, &url))?;
            if response.status().is_success() {
                return hash_body(response, &url).await;
            }
            if !response.status().is_redirection() {
                return Err(refused(response, &url).await);
            }
            url = location(&url, &response)?;
        }
        Err(fatal(format!("{url}: more than {REDIRECTS} redirects")))
    }
}

async fn hash_body(response: Response, url: &Url) -> Result<String, RepositoryError> {
    let mut hash = Sha256::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        hash.update(chunk.map_err(|error| unreachable(&error, url))?);
    }
    Ok(hex::encode(hash.finalize()))
}

async fn read_text(mut response: Response, url: &Url) -> Result<String, RepositoryError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error, url))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_PAGE {
            return Err(RepositoryError::new(
                ErrorKind::Fatal,
                format!("{url}: the page is too long"),
            ));
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn location(from: &Url, response: &Response) -> Result<Url, RepositoryError> {
    let to = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok());
    let to = to.and_then(|to| from.join(to).ok());
    to.filter(|to| matches!(to.scheme(), "http" | "https"))
        .ok_or_else(|| {
            RepositoryError::new(
                ErrorKind::Fatal,
                format!("{from}: a redirect without a usable Location"),
            )
        })
}

fn redirected(from: &Url, response: &Response) -> Result<Url, RepositoryError> {
    let to = location(from, response)?;
    if to.origin() == from.origin() {
        return Ok(to);
    }
    let host = to.origin().ascii_serialization();
    Err(RepositoryError::new(
        ErrorKind::Refused,
        format!(
            "{from}: redirects to another host ({host}), whose project of this name may be somebody else's"
        ),
    ))
}
