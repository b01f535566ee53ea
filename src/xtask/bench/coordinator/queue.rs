//! Jobs a second through the queue, and how soon a waiting runner hears.

use std::{
    cell::Cell,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    api::Api,
    load::Load,
    runner::Simulated,
    server::{Database, Server},
};
use crate::{
    bench::{at_least, measure::percentile, within},
    error::{Error, Result},
    stage::{Count, say},
};

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

/// Measures with one database.
pub(super) async fn measure(aqueduct: &Path, database: Database) -> Result<Count> {
    let server = Server::start(aqueduct, database).await?;
    let api = server.api();
    let (token, _) = server.furnish().await?;
    server.push(JOBS, PIPELINES).await?;
    let made = Instant::now();
    api.pipelines(PIPELINES).await?;
    say(&format!(
        "   {PIPELINES} pipelines of {JOBS} jobs made in {:.1} s; {:.1} MB resident while all wait",
        made.elapsed().as_secs_f64(),
        server.megabytes()?.0
    ));
    let throughput = throughput(&server, &token).await?;
    let wake = wake(&server, &api, &token).await?;
    say(&format!(
        "   resident memory of the coordinator at its peak: {:.1} MB",
        server.megabytes()?.1
    ));
    Ok(throughput.plus(wake))
}

/// All runners until the queue is empty.
async fn throughput(server: &Server, token: &str) -> Result<Count> {
    let mut runners = Vec::new();
    for number in 0..RUNNERS {
        runners.push(Simulated::new(server.address(), token, number).await?);
    }
    let load = Load::of(server);
    let began = Instant::now();
    let mut claims = work_off(runners, PIPELINES * JOBS).await?;
    let seconds = began.elapsed().as_secs_f64();
    load.tell(PIPELINES * JOBS);
    let rate = at_least(
        "jobs a second, each commit flushed",
        (PIPELINES * JOBS) as f64 / seconds,
        JOBS_A_SECOND,
        "",
    );
    say(&format!(
        "   claim: p50 {:.1} ms",
        percentile(&mut claims, 50)
    ));
    let p99 = percentile(&mut claims, 99);
    Ok(rate.plus(within("claim, p99", p99, CLAIM_MS, "ms")))
}

/// Has so many jobs worked off; milliseconds of each claim.
pub(super) async fn work_off(runners: Vec<Simulated>, jobs: usize) -> Result<Vec<f64>> {
    let left = Rc::new(Cell::new(jobs));
    let tasks = tokio::task::LocalSet::new();
    let mut working = Vec::new();
    for mut runner in runners {
        let left = Rc::clone(&left);
        working.push(tasks.spawn_local(async move {
            while left.get() > 0 {
                let Some(job) = runner.claim(false).await? else {
                    // The last jobs are others'.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                runner.work_off(&job).await?;
                left.set(left.get().saturating_sub(1));
            }
            Ok::<_, Error>(runner.claims)
        }));
    }
    tasks
        .run_until(async move {
            let mut claims = Vec::new();
            for runner in working {
                let own = runner.await;
                claims.extend(own.map_err(|error| Error::Unexpected(error.to_string()))??);
            }
            Ok(claims)
        })
        .await
}

/// One runner waits; a job is retried; how long until the runner has it.
async fn wake(server: &Server, api: &Api, token: &str) -> Result<Count> {
    let mut runner = Simulated::new(server.address(), token, RUNNERS).await?;
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
