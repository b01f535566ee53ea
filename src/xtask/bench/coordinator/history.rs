//! Lists and pages with a million jobs behind them.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use super::{
    queue::work_off,
    runner::Simulated,
    server::{Database, Server},
    wire::Wire,
};
use crate::{
    bench::{measure::percentile, within},
    error::{At as _, Error, Result},
    stage::{Count, say},
};

/// Jobs of a pipeline, and pipelines: the first is real, the others are its copies.
const JOBS: u64 = 50;
const PIPELINES: u64 = 20_000;
/// Each so many of them has its plan too, which its jobs are shown by.
const WITH_PLAN: u64 = 50;
/// Calls of each address.
const CALLS: u64 = 200;
/// Milliseconds of an answer at the 99th percentile.
const PAGE_MS: f64 = 50.0;

/// What is asked for: `{pipeline}` is one that has a plan, `{job}` one of its jobs, `{before}` any place in the list of pipelines and
/// `{before_job}` in that of jobs. To measure another page, add its address.
const ADDRESSES: [&str; 15] = [
    "/api/v1/pipelines",
    "/api/v1/pipelines?limit=100&before={before}",
    "/api/v1/pipelines?project=1&status=failed&before={before}",
    "/api/v1/pipelines?project=1&ref=refs/heads/7&before={before}",
    "/api/v1/pipelines/{pipeline}",
    "/api/v1/pipelines/{pipeline}/jobs",
    "/api/v1/jobs/{job}",
    "/api/v1/projects",
    "/",
    "/?before={before}",
    "/projects/1",
    "/projects/1?before={before}",
    "/projects/1/branches",
    "/pipelines/{pipeline}",
    "/jobs/{job}",
];

/// Copies of pipeline 1 and of its jobs. Executed by the database's own library, since the coordinator makes no history.
fn copies() -> String {
    format!(
        "
CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PIPELINES} - 1) SELECT i FROM n;
INSERT INTO pipelines (id, project, iid, version, status, active, started, finished, updated, cause, git_ref, sha, before_sha,
                       source, name, plan_hash, first_job, jobs, created, diagnostics, state)
SELECT id + i, project, iid + i, version, CASE WHEN i % 100 = 0 THEN 'failed' ELSE status END, active, started + i, finished + i,
       updated + i, 'copy ' || i, 'refs/heads/' || (i % 50), sha, before_sha, source, name, plan_hash, first_job + {JOBS} * i, jobs,
       created + i, diagnostics, state FROM pipelines, n WHERE id = 1;
INSERT INTO plans (pipeline, plan) SELECT pipeline + i, plan FROM plans, n WHERE pipeline = 1 AND i % {WITH_PLAN} = 0;
INSERT INTO jobs (id, pipeline, project, position, name, stage, status, attempt, manager, report_token, read_token, updated, state)
SELECT id + {JOBS} * i, pipeline + i, project, position, name, stage, CASE WHEN i % 100 = 0 THEN 'failed' ELSE status END, attempt,
       manager, randomblob(32), randomblob(32), updated + i, state FROM n, jobs WHERE pipeline = 1;
UPDATE counters SET value = {JOBS} * {PIPELINES} WHERE name = 'job';
UPDATE projects SET last_iid = {PIPELINES} WHERE id = 1;
"
    )
}

/// Measures on SQLite.
pub(super) async fn measure(aqueduct: &Path) -> Result<Count> {
    let mut server = Server::start(aqueduct, Database::Sqlite).await?;
    let (token, _) = server.furnish().await?;
    server.push(usize::try_from(JOBS).unwrap_or(0), 1).await?;
    server.api().pipelines(1).await?;
    let mut runners = Vec::new();
    for number in 0..8 {
        runners.push(Simulated::new(server.address(), &token, number).await?);
    }
    work_off(runners, usize::try_from(JOBS).unwrap_or(0)).await?;
    let began = Instant::now();
    server.restart(|data| execute(data, &copies())).await?;
    say(&format!(
        "   {} jobs put into the history in {:.0} s; {:.1} MB resident after the start",
        JOBS * PIPELINES,
        began.elapsed().as_secs_f64(),
        server.megabytes()?.0
    ));
    let mut count = Count::default();
    let session = log_in(&server).await?;
    for address in ADDRESSES {
        count = count.plus(ask(&server, address, &session).await?);
    }
    Ok(count)
}

/// Headers of calls: the API takes the token, pages the cookie of a session.
async fn log_in(server: &Server) -> Result<String> {
    let mut wire = Wire::connect(server.address()).await?;
    let headers = format!(
        "origin: http://{}\r\ncontent-type: application/x-www-form-urlencoded\r\n",
        server.address()
    );
    let form = format!("token={}", server.token());
    let answer = wire.call("POST", "/login", &headers, form.as_bytes());
    let answer = answer.await?;
    answer.expect(303)?;
    let cookie = answer
        .header("set-cookie")
        .and_then(|set| set.split(';').next());
    let cookie = cookie.ok_or_else(|| Error::Unexpected("no session was begun".into()))?;
    Ok(format!(
        "authorization: Bearer {}\r\ncookie: {cookie}\r\naccept: text/html\r\n",
        server.token()
    ))
}

async fn ask(server: &Server, address: &str, headers: &str) -> Result<Count> {
    let mut wire = Wire::connect(server.address()).await?;
    let (mut times, mut bytes) = (Vec::new(), 0);
    for call in 0..CALLS {
        let path = fill(address, call * 7919);
        let began = Instant::now();
        let answer = wire.call("GET", &path, headers, b"").await?;
        bytes += answer.expect(200)?.len();
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let (median, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    let calls = usize::try_from(CALLS).unwrap_or(1);
    let what = format!(
        "{address}, {} KB, p50 {median:.1} ms, p99",
        bytes / calls / 1000
    );
    Ok(within(&what, p99, PAGE_MS, "ms"))
}

fn fill(address: &str, number: u64) -> String {
    let pipeline = 1 + WITH_PLAN * (number % (PIPELINES / WITH_PLAN));
    let job = 1 + JOBS * (pipeline - 1) + number % JOBS;
    let places = [
        ("{pipeline}", pipeline),
        ("{job}", job),
        ("{before}", 1 + number % PIPELINES),
        ("{before_job}", 1 + number % (JOBS * PIPELINES)),
    ];
    places
        .iter()
        .fold(address.to_owned(), |path, (place, value)| {
            path.replace(place, &value.to_string())
        })
}

/// Has SQL executed on the database of a data directory that nobody has open.
fn execute(data: &Path, sql: &str) -> Result<()> {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); \
                  c.executescript('BEGIN;' + sys.stdin.read() + 'COMMIT;')";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .arg(data.join("aqueduct.db"))
        .stdin(Stdio::piped())
        .spawn()
        .at("python3")?;
    if let Some(mut stdin) = python.stdin.take() {
        stdin.write_all(sql.as_bytes()).at("python3")?;
    }
    if python.wait().at("python3")?.success() {
        return Ok(());
    }
    Err(Error::Unexpected("the history could not be made".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_what_is_there() {
        for number in [0, 1, 7919, 123_456] {
            let path = fill("/{pipeline}/{job}/{before}/{before_job}", number);
            let numbers: Vec<u64> = path[1..]
                .split('/')
                .map(|text| text.parse().unwrap())
                .collect();
            assert!(
                numbers[0] <= PIPELINES && numbers[1] <= PIPELINES * JOBS,
                "{path}"
            );
            assert_eq!((numbers[1] - 1) / JOBS + 1, numbers[0], "{path}");
        }
    }
}
