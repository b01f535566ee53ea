//! A runner that says of each job at once that it succeeded: the calls of a stock runner's job `true`.

use std::time::Instant;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::api::failed;
use crate::error::{Error, Result};

/// What such a job writes.
const TRACE: &str = "Running\n$ true\nJob succeeded\n";

/// One process of a runner, with a connection of its own.
pub(super) struct Simulated {
    client: Client,
    url: String,
    token: String,
    system_id: String,
    /// Milliseconds of each claim that brought a job.
    pub(super) claims: Vec<f64>,
}

impl Simulated {
    pub(super) fn new(url: &str, token: &str, number: usize) -> Self {
        Self {
            client: Client::new(),
            url: format!("{url}/api/v4"),
            token: token.to_owned(),
            system_id: format!("s_{number}"),
            claims: Vec::new(),
        }
    }

    /// Asks for a job; `held` waits for one.
    pub(super) async fn claim(&mut self, held: bool) -> Result<Option<Value>> {
        let mut body = json!({
            "token": self.token, "system_id": self.system_id,
            "info": {"name": "bench", "executor": "shell", "architecture": "amd64"},
        });
        if held {
            body["last_update"] = "1".into();
        }
        let began = Instant::now();
        let request = self.client.post(format!("{}/jobs/request", self.url));
        let answer = request.json(&body).send().await.map_err(failed)?;
        if answer.status() != StatusCode::CREATED {
            return Ok(None);
        }
        let text = answer.text().await.map_err(failed)?;
        self.claims.push(began.elapsed().as_secs_f64() * 1000.0);
        Ok(serde_json::from_str(&text).ok())
    }

    /// Begins a job, sends its trace, ends it.
    pub(super) async fn work_off(&self, job: &Value) -> Result<()> {
        let path = format!("{}/jobs/{}", self.url, job["id"]);
        let token = job["token"].as_str().unwrap_or_default();
        let update = |state: &str, bytes: usize| {
            let body = json!({"token": token, "state": state, "output": {"bytesize": bytes}});
            self.client.put(&path).json(&body)
        };
        expect(update("running", 0), StatusCode::OK).await?;
        let trace = self
            .client
            .patch(format!("{path}/trace"))
            .header("Job-Token", token)
            .header("Content-Range", format!("0-{}", TRACE.len() - 1))
            .body(TRACE);
        expect(trace, StatusCode::ACCEPTED).await?;
        expect(update("success", TRACE.len()), StatusCode::OK).await
    }
}

async fn expect(request: reqwest::RequestBuilder, expected: StatusCode) -> Result<()> {
    let answer = request.send().await.map_err(failed)?;
    if answer.status() == expected {
        return Ok(());
    }
    Err(Error::Unexpected(format!(
        "the coordinator answered {} where {expected} was due",
        answer.status()
    )))
}
