//! The calls themselves.

use std::time::Duration;

use aqueduct_core::{api::runner::Secret, run::Status};
use reqwest::{Method, Response};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{choice, error::RemoteError};
use crate::{
    args::{CoordinatorArgs, Output},
    error::CliError,
    exit::Exit,
    output,
};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence within an answer.
const SILENCE: Duration = Duration::from_mins(1);

/// A coordinator, and the token that opens it.
#[derive(Debug)]
pub(crate) struct Coordinator {
    base: Url,
    /// As it is shown.
    url: String,
    token: Secret,
    http: reqwest::Client,
}

/// An answer: as it came, and read.
#[derive(Debug)]
pub(crate) struct Got<T> {
    /// The JSON text.
    pub(crate) raw: String,
    /// What it says.
    pub(crate) value: T,
}

impl<T> Got<T> {
    /// Prints it: as it came, or as `table` draws it.
    pub(crate) fn print(
        &self,
        format: Output,
        table: impl FnOnce(&T) -> String,
    ) -> Result<Exit, CliError> {
        match format {
            Output::Json => output::text(&format!("{}\n", self.raw.trim_end()))?,
            Output::Table => output::text(&table(&self.value))?,
        }
        Ok(Exit::Success)
    }
}

/// Part of a log that comes in.
#[derive(Debug)]
pub(crate) struct LogPart {
    /// The job's state before the part was read: if it had ended, nothing comes behind the log's end.
    pub(crate) status: Option<Status>,
    /// The attempt of that state.
    pub(crate) attempt: Option<u32>,
    url: String,
    response: Response,
}

impl Coordinator {
    /// The one that options, environment or context name. Makes no call.
    pub(crate) fn of(args: &CoordinatorArgs) -> Result<Self, CliError> {
        let chosen = choice::choose(args)?;
        let base = choice::address(&chosen.url)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("aqueduct/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none());
        if matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        if let Some(path) = &chosen.tls_ca_file {
            let trusted = aqueduct_client::certificates(path).map_err(CliError::invalid)?;
            builder = builder.tls_certs_merge(trusted);
        }
        let http = builder
            .build()
            .map_err(|error| CliError::infrastructure(format!("can't set up TLS: {error}")))?;
        let url = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            base,
            url,
            token: chosen.token,
            http,
        })
    }

    /// Its address, as it is shown.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Reads what is at a path of the API, given in segments.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Got<T>, RemoteError> {
        let url = self.at(path, query);
        self.read(self.send(self.http.get(url)).await?).await
    }

    /// Makes something, and reads what was made.
    pub(crate) async fn create<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<Got<T>, RemoteError> {
        let request = self.http.post(self.at(path, &[])).json(body);
        self.read(self.send(request).await?).await
    }

    /// Has something done.
    pub(crate) async fn act(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<(), RemoteError> {
        let request = self.http.request(method, self.at(path, query));
        self.send(request).await.map(drop)
    }

    /// Opens a job's log from an offset on.
    pub(crate) async fn log(
        &self,
        job: u64,
        attempt: u32,
        from: u64,
    ) -> Result<LogPart, RemoteError> {
        let query = [("attempt", attempt.to_string()), ("from", from.to_string())];
        let url = self.at(&["jobs", &job.to_string(), "trace"], &query);
        let response = self.send(self.http.get(url)).await?;
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let named = |name: &str| Status::ALL.into_iter().find(|one| one.name() == name);
        Ok(LogPart {
            status: header("x-aqueduct-job-status").and_then(named),
            attempt: header("x-aqueduct-job-attempt").and_then(|text| text.parse().ok()),
            url: self.url.clone(),
            response,
        })
    }

    fn at(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        // Fails for addresses without a host alone, which `address` refuses.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, RemoteError> {
        let sent = request.bearer_auth(self.token.expose()).send().await;
        let response = sent.map_err(|error| RemoteError::no_answer(&self.url, &error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.text().await.unwrap_or_default();
        Err(RemoteError::refused(&self.url, status.as_u16(), &body))
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<Got<T>, RemoteError> {
        let text = response.text().await;
        let raw = text.map_err(|error| RemoteError::no_answer(&self.url, &error))?;
        let value = serde_json::from_str(&raw).map_err(|error| RemoteError::Garbled {
            url: self.url.clone(),
            cause: error.to_string(),
        })?;
        Ok(Got { raw, value })
    }
}

impl LogPart {
    /// The next bytes of it; none at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, RemoteError> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| RemoteError::no_answer(&self.url, &error))
    }
}
