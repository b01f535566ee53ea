//! Calls of the coordinator's own API.

use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::error::{Error, Result};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A client with an administrator's token.
pub(super) struct Api {
    client: Client,
    url: String,
    token: String,
}

impl Api {
    pub(super) fn new(url: &str, token: &str) -> Self {
        Self {
            client: Client::new(),
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.post(format!("{}/api/v1{path}", self.url));
        self.send(request.json(body)).await
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = self.client.get(format!("{}/api/v1{path}", self.url));
        self.send(request).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(failed)?.error_for_status().map_err(failed)?;
        let text = answer.text().await.map_err(failed)?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(super) async fn ready(&self) -> Result<()> {
        let began = Instant::now();
        let ready = format!("{}/readyz", self.url);
        while self.client.get(&ready).send().await.is_err() {
            wait(began).await?;
        }
        Ok(())
    }

    /// Waits until the heads of the first project are known.
    pub(super) async fn first_look(&self) -> Result<()> {
        let began = Instant::now();
        while self
            .get("/projects/1/branches")
            .await?
            .as_array()
            .is_none_or(Vec::is_empty)
        {
            wait(began).await?;
        }
        Ok(())
    }

    /// Waits until there are so many pipelines.
    pub(super) async fn pipelines(&self, count: usize) -> Result<()> {
        let began = Instant::now();
        loop {
            let newest = self.get("/pipelines?limit=1").await?;
            if newest[0]["id"]
                .as_u64()
                .is_some_and(|id| id >= count as u64)
            {
                return Ok(());
            }
            wait(began).await?;
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
pub(super) fn failed(error: reqwest::Error) -> Error {
    Error::Unexpected(format!("the coordinator: {error}"))
}

async fn wait(began: Instant) -> Result<()> {
    if began.elapsed() > PATIENCE {
        return Err(Error::Unexpected("the coordinator does nothing".into()));
    }
    tokio::time::sleep(PAUSE).await;
    Ok(())
}
