//! A runner that says of each job at once that it succeeded: the calls of a stock runner's job `true`.

use std::{net::SocketAddr, time::Instant};

use serde::Deserialize;

use super::wire::Wire;
use crate::error::{Error, Result};

/// What such a job writes.
const TRACE: &[u8] = b"Running\n$ true\nJob succeeded\n";

/// A job that was handed out, as far as a simulation needs it.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    id: u64,
    token: String,
}

/// One process of a runner, with a connection of its own.
pub(super) struct Simulated {
    wire: Wire,
    request: String,
    held: String,
    /// Milliseconds of each claim that brought a job.
    pub(super) claims: Vec<f64>,
}

impl Simulated {
    pub(super) async fn new(to: SocketAddr, token: &str, number: usize) -> Result<Self> {
        let body = |cursor: &str| {
            format!(
                r#"{{"token":"{token}","system_id":"s_{number}",{cursor}"info":{{"name":"bench","executor":"shell","architecture":"amd64"}}}}"#
            )
        };
        Ok(Self {
            wire: Wire::connect(to).await?,
            request: body(""),
            held: body(r#""last_update":"1","#),
            claims: Vec::new(),
        })
    }

    /// Asks for a job; `held` waits for one.
    pub(super) async fn claim(&mut self, held: bool) -> Result<Option<Job>> {
        let body = if held { &self.held } else { &self.request };
        let began = Instant::now();
        let path = "/api/v4/jobs/request";
        let answer = self.wire.call("POST", path, "", body.as_bytes()).await?;
        if answer.status == 204 {
            return Ok(None);
        }
        let body = answer.expect(201)?;
        let took = began.elapsed();
        let job = serde_json::from_slice(body)
            .map_err(|error| Error::Unexpected(format!("a job: {error}")))?;
        self.claims.push(took.as_secs_f64() * 1000.0);
        Ok(Some(job))
    }

    /// Begins a job, sends its trace, ends it.
    pub(super) async fn work_off(&mut self, job: &Job) -> Result<()> {
        self.begin(job).await?;
        self.trace(job, 0, TRACE).await?;
        self.end(job, TRACE.len()).await
    }

    pub(super) async fn begin(&mut self, job: &Job) -> Result<()> {
        self.update(job, "running", 0).await
    }

    /// Sends a piece of the trace that begins at `start`.
    pub(super) async fn trace(&mut self, job: &Job, start: usize, piece: &[u8]) -> Result<()> {
        let (path, token) = (format!("/api/v4/jobs/{}/trace", job.id), &job.token);
        let end = start + piece.len() - 1;
        let headers = format!("job-token: {token}\r\ncontent-range: {start}-{end}\r\n");
        let answer = self.wire.call("PATCH", &path, &headers, piece).await?;
        answer.expect(202).map(drop)
    }

    pub(super) async fn end(&mut self, job: &Job, bytes: usize) -> Result<()> {
        self.update(job, "success", bytes).await
    }

    async fn update(&mut self, job: &Job, state: &str, bytes: usize) -> Result<()> {
        let (path, token) = (format!("/api/v4/jobs/{}", job.id), &job.token);
        let body =
            format!(r#"{{"token":"{token}","state":"{state}","output":{{"bytesize":{bytes}}}}}"#);
        let answer = self.wire.call("PUT", &path, "", body.as_bytes()).await?;
        answer.expect(200).map(drop)
    }
}
