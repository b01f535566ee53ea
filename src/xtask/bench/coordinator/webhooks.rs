//! How soon webhooks are answered that come at a steady rate while jobs run.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    load::Load,
    runner::Simulated,
    server::{Database, Server},
    wire::Wire,
};
use crate::{
    bench::{measure::percentile, within},
    error::{Error, Result},
    stage::{Count, say},
};

/// Webhooks, and how long after each other they come.
const WEBHOOKS: usize = 1000;
const PAUSE: Duration = Duration::from_millis(10);
/// Milliseconds to the answer at the 99th percentile (design section 12).
const ANSWER_MS: f64 = 10.0;
/// Jobs of the pipelines that run meanwhile, and pipelines.
const JOBS: usize = 50;
const PIPELINES: usize = 60;
/// Runners, and how long each takes for a job.
const RUNNERS: usize = 20;
const WORK: Duration = Duration::from_millis(100);

/// Measures on SQLite.
pub(super) async fn measure(aqueduct: &Path) -> Result<Count> {
    let server = Server::start(aqueduct, Database::Sqlite).await?;
    let (token, project) = server.furnish().await?;
    let secret = project["webhook_secret"].as_str().unwrap_or_default();
    server.push(JOBS, PIPELINES).await?;
    server.api().pipelines(PIPELINES).await?;
    let mut runners = Vec::new();
    for number in 0..RUNNERS {
        let runner = Simulated::new(server.address(), &token, number).await?;
        runners.push(tokio::spawn(run(runner)));
    }
    let load = Load::of(&server);
    let began = Instant::now();
    let mut times = send(&server, secret).await?;
    let rate = WEBHOOKS as f64 / began.elapsed().as_secs_f64();
    load.tell(WEBHOOKS);
    let mut jobs = 0;
    for runner in runners {
        runner.abort();
        if let Ok(ended) = runner.await {
            jobs += ended?;
        }
    }
    if jobs > 0 {
        return Err(Error::Unexpected(
            "the jobs ended before the webhooks".into(),
        ));
    }
    say(&format!(
        "   {rate:.0} signed pushes a second beside {RUNNERS} busy runners: answered in p50 {:.1} ms",
        percentile(&mut times, 50)
    ));
    let p99 = percentile(&mut times, 99);
    Ok(within("webhook answered, p99", p99, ANSWER_MS, "ms"))
}

/// Jobs that take a while, as long as there are any; how often there was none.
async fn run(mut runner: Simulated) -> Result<usize> {
    while let Some(job) = runner.claim(false).await? {
        tokio::time::sleep(WORK).await;
        runner.work_off(&job).await?;
    }
    Ok(1)
}

/// As Gitea sends them; milliseconds of each.
async fn send(server: &Server, secret: &str) -> Result<Vec<f64>> {
    let mut wire = Wire::connect(server.address()).await?;
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    for number in 0..WEBHOOKS {
        ticks.tick().await;
        let body = push(number);
        let headers = format!(
            "content-type: application/json\r\nx-gitea-event: push\r\nx-gitea-delivery: bench-{number}\r\nx-gitea-signature: {}\r\n",
            signature(secret, body.as_bytes())?
        );
        let began = Instant::now();
        let path = "/hooks/gitea/group/bench";
        let answer = wire.call("POST", path, &headers, body.as_bytes()).await?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        if !(200..300).contains(&answer.status) {
            answer.expect(202)?;
        }
    }
    Ok(times)
}

/// A push of twenty commits, about 10 KB as forges send them.
fn push(number: usize) -> String {
    let commit = format!(
        r#"{{"id":"{number:040}","message":"{}","added":[],"modified":["src/main.rs"],"removed":[]}}"#,
        "a change ".repeat(40)
    );
    let commits = vec![commit.as_str(); 20].join(",");
    format!(
        r#"{{"ref":"refs/heads/b0","before":"{:040}","after":"{number:040}","commits":[{commits}]}}"#,
        1
    )
}

fn signature(secret: &str, body: &[u8]) -> Result<String> {
    let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = key.map_err(|error| Error::Unexpected(error.to_string()))?;
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
