//! The coordinator under load: jobs a second through the queue with simulated runners, and how soon a waiting runner hears.

mod api;
mod runner;
mod server;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use self::{api::Api, runner::Simulated, server::Server};
use super::{at_least, within};
use crate::error::{Error, Result};
use crate::stage::{Count, say};

/// Branches pushed at once: as many pipelines.
const PIPELINES: usize = 100;
/// Jobs of each.
const JOBS: usize = 50;
/// Simulated runners, one job at a time each.
const RUNNERS: usize = 64;
/// Jobs a second that the queue is to carry (design section 12).
const JOBS_A_SECOND: f64 = 1000.0;
/// Rounds of the measurement of how soon a waiting runner has a job.
const WAKES: usize = 200;
/// Milliseconds from a job that begins to wait to the runner that has it.
const WAKE_MS: f64 = 10.0;
/// Milliseconds of a claim under load, at the 99th percentile.
const CLAIM_MS: f64 = 50.0;

/// Runs the benchmark on SQLite; each commit is flushed.
pub(crate) fn run(aqueduct: &Path) -> Result<Count> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::Unexpected(error.to_string()))?;
    runtime.block_on(measure(aqueduct))
}

async fn measure(aqueduct: &Path) -> Result<Count> {
    let server = Server::start(aqueduct).await?;
    let api = server.api();
    let project =
        json!({"path": "group/bench", "git_url": server.repository(), "interval_ms": 200});
    api.post("/projects", &project).await?;
    let runner = api
        .post("/runners", &json!({"description": "bench"}))
        .await?;
    let token = runner["token"].as_str().unwrap_or_default().to_owned();
    server.push(JOBS, PIPELINES).await?;
    let made = Instant::now();
    api.pipelines(PIPELINES).await?;
    say(&format!(
        "   {PIPELINES} pipelines of {JOBS} jobs made in {:.1} s",
        made.elapsed().as_secs_f64()
    ));
    let throughput = throughput(&server, &token).await?;
    let wake = wake(&server, &api, &token).await?;
    let memory = server.peak_megabytes()?;
    say(&format!(
        "   resident memory of the coordinator at its peak: {memory:.1} MB"
    ));
    Ok(throughput.plus(wake))
}

/// All runners until the queue is empty.
async fn throughput(server: &Server, token: &str) -> Result<Count> {
    let done = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut runners = Vec::new();
    for number in 0..RUNNERS {
        let mut runner = Simulated::new(server.url(), token, number);
        let done = Arc::clone(&done);
        runners.push(tokio::spawn(async move {
            while done.load(Ordering::Relaxed) < PIPELINES * JOBS {
                let Some(job) = runner.claim(false).await? else {
                    // The last jobs are others'.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                runner.work_off(&job).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, Error>(runner.claims)
        }));
    }
    let mut claims = Vec::new();
    for runner in runners {
        let own = runner
            .await
            .map_err(|error| Error::Unexpected(error.to_string()))??;
        claims.extend(own);
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = (PIPELINES * JOBS) as f64 / seconds;
    let rate = at_least(
        "jobs a second, SQLite, each commit flushed",
        rate,
        JOBS_A_SECOND,
        "",
    );
    let p99 = percentile(&mut claims, 99);
    say(&format!(
        "   claim: p50 {:.1} ms",
        percentile(&mut claims, 50)
    ));
    Ok(rate.plus(within("claim, p99", p99, CLAIM_MS, "ms")))
}

/// One runner waits; a job is retried; how long until the runner has it.
async fn wake(server: &Server, api: &Api, token: &str) -> Result<Count> {
    let mut runner = Simulated::new(server.url(), token, RUNNERS);
    let mut times = Vec::new();
    for round in 0..WAKES {
        let job = round + 1;
        let waiting = async {
            let claimed = runner.claim(true).await?;
            Ok::<_, Error>((claimed, Instant::now()))
        };
        let waking = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let begun = Instant::now();
            api.post(&format!("/jobs/{job}/retry"), &json!({})).await?;
            Ok::<_, Error>(begun)
        };
        let (claimed, begun) = tokio::join!(waiting, waking);
        let ((job, heard), begun) = (claimed?, begun?);
        times.push(heard.duration_since(begun).as_secs_f64() * 1000.0);
        if let Some(job) = job {
            runner.work_off(&job).await?;
        }
    }
    let p99 = percentile(&mut times, 99);
    say(&format!(
        "   queue to claim of a waiting runner: p99 {p99:.1} ms"
    ));
    let median = percentile(&mut times, 50);
    Ok(within(
        "queue to claim of a waiting runner, p50",
        median,
        WAKE_MS,
        "ms",
    ))
}

/// A percentile in the values' own unit.
fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = values.len() * percent / 100;
    values
        .get(at.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}
