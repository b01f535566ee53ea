//! Sending one file.

use std::{path::Path, time::Duration};

use aqueduct_core::api::runner::http;
use aqueduct_ports::workspace::{Format, Packed, WorkspaceError};
use reqwest::{
    Method, Response, StatusCode, header,
    multipart::{Form, Part},
};
use tokio::time::{Instant, sleep};
use url::Url;

use super::{MAX_PAUSE, MIN_PAUSE, PATIENCE, RemoteArtifacts, UploadPlan};
use crate::{
    api::{Api, refused},
    error::ClientError,
    retry::{is_transient, wish},
    source::Held,
};

const WHAT: &str = "upload artifacts";
/// Time that any upload has.
const LEAST_TIME: Duration = Duration::from_mins(2);
/// Slowest connection that is waited for, in bytes a second.
const SLOWEST: u64 = 32 * 1024;
/// Times that a server may send us to another host.
const MAX_REDIRECTS: u32 = 5;

/// What became of one try.
enum Sent {
    Done,
    /// To the same path of another host.
    Elsewhere(Url),
    Again(ClientError, Option<Duration>),
    Never(WorkspaceError),
}

impl RemoteArtifacts {
    /// Sends the file until it is stored, or refused for good.
    pub(super) async fn upload(
        &self,
        held: &Held,
        plan: &UploadPlan,
        packed: &Packed,
        file: &Path,
    ) -> Result<(), WorkspaceError> {
        let begun = Instant::now();
        let mut pause = MIN_PAUSE;
        let mut redirects = 0;
        let mut api = self.api.clone();
        loop {
            let (error, wish) = match try_once(&api, held, plan, packed, file).await? {
                Sent::Done => return Ok(()),
                Sent::Never(error) => return Err(error),
                Sent::Elsewhere(url) if redirects < MAX_REDIRECTS => {
                    redirects += 1;
                    api = api.at(&url);
                    continue;
                }
                Sent::Elsewhere(url) => {
                    let text =
                        format!("the server sends uploads round in circles, at last to {url}");
                    return Err(WorkspaceError::Unreachable(text));
                }
                Sent::Again(error, wish) => (error, wish),
            };
            if begun.elapsed() >= PATIENCE || held.is_lost() {
                return Err(WorkspaceError::Unreachable(error.to_string()));
            }
            tracing::warn!(job = held.id, %error, "uploading again");
            sleep(wish.unwrap_or(pause)).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

async fn try_once(
    api: &Api,
    held: &Held,
    plan: &UploadPlan,
    packed: &Packed,
    path: &Path,
) -> Result<Sent, WorkspaceError> {
    let unreadable = |cause: std::io::Error| WorkspaceError::Io {
        action: "read",
        path: path.display().to_string(),
        cause: cause.to_string(),
    };
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    let name = match plan.format {
        Format::Raw => Format::Raw.file_name("", &packed.name),
        format => format.file_name(&plan.name, ""),
    };
    let part = Part::stream_with_length(file, length).file_name(name);
    let mut query = vec![
        ("artifact_format", plan.format.name()),
        ("artifact_type", plan.kind.as_str()),
    ];
    if !plan.expire_in.is_empty() {
        query.push(("expire_in", &plan.expire_in));
    }
    let request = api.request_with(Method::POST, &http::artifacts(held.id), &query);
    let sent = request
        .header(http::JOB_TOKEN, held.token.expose())
        .timeout(LEAST_TIME + Duration::from_secs(length / SLOWEST))
        .multipart(Form::new().part("file", part))
        .send()
        .await;
    Ok(match sent {
        Ok(response) => judge(response, held).await,
        Err(error) => Sent::Again(ClientError::no_answer(&error), None),
    })
}

async fn judge(response: Response, held: &Held) -> Sent {
    let status = response.status();
    if status.is_success() {
        return Sent::Done;
    }
    if status == StatusCode::TEMPORARY_REDIRECT {
        let location = response.headers().get(header::LOCATION);
        let text = location.and_then(|value| value.to_str().ok());
        if let Some(url) = text.and_then(|text| Url::parse(text).ok()) {
            return Sent::Elsewhere(url);
        }
    }
    let pause = wish(response.headers());
    if is_transient(status) {
        return Sent::Again(refused(WHAT, response).await, pause);
    }
    if matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
        // Whether the job is still ours, the next sign of life says.
        tracing::info!(
            job = held.id,
            status = status.as_u16(),
            "an upload is refused"
        );
    }
    Sent::Never(WorkspaceError::Refused(
        refused(WHAT, response).await.to_string(),
    ))
}
