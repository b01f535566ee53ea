//! Fetching one archive.

use std::{path::Path, time::Duration};

use aqueduct_core::{api::runner::http, id::AttemptKey};
use aqueduct_ports::workspace::WorkspaceError;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use tokio::{
    fs::File,
    io::AsyncWriteExt as _,
    time::{Instant, sleep},
};
use url::Url;

use super::{MAX_PAUSE, MIN_PAUSE, PATIENCE, RemoteArtifacts, over};
use crate::{
    api::refused,
    error::ClientError,
    retry::{is_transient, wish},
    source::Fetched,
};

const WHAT: &str = "download artifacts";
/// Time that one try has.
const LONGEST: Duration = Duration::from_hours(2);
/// Longest silence in the middle of it.
const SILENCE: Duration = Duration::from_mins(1);

/// Why a try came to nothing.
enum Stop {
    Again(ClientError, Option<Duration>),
    Never(WorkspaceError),
}

impl From<WorkspaceError> for Stop {
    fn from(error: WorkspaceError) -> Self {
        Self::Never(error)
    }
}

impl RemoteArtifacts {
    /// Fetches a dependency's archive into the new file `target`. What breaks off goes on where it was, if the server can.
    pub(super) async fn download(
        &self,
        key: AttemptKey,
        target: &Path,
    ) -> Result<(), WorkspaceError> {
        let dependency = self.leases.dependency(key).ok_or_else(over)?;
        let begun = Instant::now();
        let mut pause = MIN_PAUSE;
        let mut first = true;
        let mut have = Have::default();
        loop {
            let tried = self.try_once(&dependency, first, &mut have, target).await;
            let (error, wish) = match tried {
                Ok(()) => return Ok(()),
                Err(Stop::Never(error)) => return Err(error),
                Err(Stop::Again(error, wish)) => (error, wish),
            };
            if begun.elapsed() >= PATIENCE || self.leases.dependency(key).is_none() {
                return Err(WorkspaceError::Unreachable(error.to_string()));
            }
            first = false;
            tracing::warn!(job = dependency.id, have = have.bytes, %error, "downloading again");
            sleep(wish.unwrap_or(pause)).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn try_once(
        &self,
        dependency: &Fetched,
        first: bool,
        have: &mut Have,
        target: &Path,
    ) -> Result<(), Stop> {
        let path = http::artifacts(dependency.id);
        let query: &[(&str, &str)] = if first {
            &[("direct_download", "true")]
        } else {
            &[]
        };
        let request = self.api.request_with(Method::GET, &path, query);
        let request = request.header(http::JOB_TOKEN, dependency.token.expose());
        let mut response = send(have.ask(request)).await?;
        if matches!(
            response.status(),
            StatusCode::FOUND | StatusCode::TEMPORARY_REDIRECT
        ) {
            // An object store's own address: it takes no token of ours.
            let url = location(&response, &path).ok_or_else(|| {
                WorkspaceError::Unreachable(format!("{WHAT}: the server names no place for it"))
            })?;
            response = send(have.ask(self.api.get(url))).await?;
        }
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => receive(response, have, target).await,
            StatusCode::RANGE_NOT_SATISFIABLE => {
                *have = Have::default();
                Err(Stop::Again(refused(WHAT, response).await, None))
            }
            StatusCode::NOT_FOUND => {
                let what = format!("the archive of job {}", dependency.id);
                Err(WorkspaceError::Missing(what).into())
            }
            status if is_transient(status) => {
                let wish = wish(response.headers());
                Err(Stop::Again(refused(WHAT, response).await, wish))
            }
            _ => {
                let error = refused(WHAT, response).await;
                Err(WorkspaceError::Refused(error.to_string()).into())
            }
        }
    }
}

/// What is here of a file that broke off.
#[derive(Debug, Default)]
struct Have {
    bytes: u64,
    /// The version that they are of.
    etag: Option<String>,
}

impl Have {
    /// Asks for the rest, if it is sure to be the rest of the same.
    fn ask(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.timeout(LONGEST);
        match &self.etag {
            Some(etag) if self.bytes > 0 => request
                .header(header::RANGE, format!("bytes={}-", self.bytes))
                .header(header::IF_RANGE, etag),
            _ => request,
        }
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Stop> {
    let sent = request.send().await;
    sent.map_err(|error| Stop::Again(ClientError::no_answer(&error), None))
}

async fn receive(mut response: Response, have: &mut Have, target: &Path) -> Result<(), Stop> {
    let unwritable = |cause: std::io::Error| WorkspaceError::Io {
        action: "write",
        path: target.display().to_string(),
        cause: cause.to_string(),
    };
    let mut file = if response.status() == StatusCode::PARTIAL_CONTENT {
        File::options().append(true).open(target).await
    } else {
        have.bytes = 0;
        let etag = response.headers().get(header::ETAG);
        have.etag = etag.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        File::create(target).await
    }
    .map_err(unwritable)?;
    let received = loop {
        match tokio::time::timeout(SILENCE, response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                file.write_all(&bytes).await.map_err(unwritable)?;
                have.bytes += bytes.len() as u64;
            }
            Ok(Ok(None)) => break Ok(()),
            Ok(Err(error)) => break Err(ClientError::no_answer(&error)),
            Err(_) => {
                break Err(ClientError::NoAnswer {
                    url: "the server".to_owned(),
                    cause: "it fell silent".to_owned(),
                });
            }
        }
    };
    file.flush().await.map_err(unwritable)?;
    received.map_err(|error| Stop::Again(error, None))
}

fn location(response: &Response, path: &str) -> Option<Url> {
    let text = response.headers().get(header::LOCATION)?.to_str().ok()?;
    tracing::debug!(path, "the archive is elsewhere");
    response.url().join(text).ok()
}
