//! How long a page takes with a million jobs behind it. A measurement, not a test: as in `throughput`, `measure_history`.

#![expect(clippy::print_stdout, reason = "a measurement says what it measured")]

use std::{
    future::Future,
    path::Path,
    time::{Duration, Instant},
};

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    run::Status,
    token::TokenHash,
};
use aqueduct_ports::store::{JobFilter, Page, PipelineFilter, Pipelines};
use aqueduct_store::Database;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// Twenty projects, 20,000 pipelines, 1,000,000 jobs; one job in a hundred failed.
const FILL: &str = "
INSERT INTO projects (path, git_url, interval_ms, settings, created)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
SELECT 'group/' || i, '', 60000, '{}', 0 FROM n;
INSERT INTO pipelines (project, iid, version, status, active, updated, cause, git_ref, sha, source, first_job, jobs, created, state)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
SELECT 1 + i % 20, 1 + i / 20, 9, CASE WHEN i % 100 = 0 THEN 'failed' ELSE 'success' END, FALSE, i, 'push:' || i,
       'refs/heads/' || (i % 50), printf('%040d', i), 'push', 1 + i * 50, 50, i, hex(zeroblob(150)) FROM n;
INSERT INTO jobs (id, pipeline, project, position, name, stage, status, attempt, report_token, read_token, updated, state)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
SELECT 1 + i, 1 + i / 50, 1 + i / 50 % 20, i % 50, 'job ' || (i % 50), 'test',
       CASE WHEN i % 100 = 0 THEN 'failed' ELSE 'success' END, 1, randomblob(32), randomblob(32), i, hex(zeroblob(150)) FROM n;
UPDATE counters SET value = 1000000 WHERE name = 'job';
";

async fn fill(dir: &Path) {
    let options = SqliteConnectOptions::new().filename(dir.join("aqueduct.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(FILL).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn time<F: Future<Output = usize>>(what: &str, page: impl Fn(u64) -> F) {
    let (mut took, mut rows) = (Vec::<Duration>::new(), 0);
    for round in 0..200_u64 {
        let before = Instant::now();
        rows += page(round * 7919).await;
        took.push(before.elapsed());
    }
    took.sort();
    println!(
        "{what}: {rows} rows in 200 calls, p50 {:?}, p99 {:?}",
        took[100], took[198]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of half a minute"]
async fn measure_history() {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    Database::sqlite(dir.path()).await.unwrap().close().await;
    fill(dir.path()).await;
    let store = Database::sqlite(dir.path()).await.unwrap();
    let page = |before: u64| Page {
        before: Some(before),
        limit: 50,
    };
    let of = |project, git_ref: Option<&str>, status| PipelineFilter {
        project,
        git_ref: git_ref.map(str::to_owned),
        status,
    };
    let one = Some(ProjectId(7));
    for (what, filter) in [
        ("pipelines", of(None, None, None)),
        ("pipelines of a project", of(one, None, None)),
        ("pipelines of a ref", of(one, Some("refs/heads/6"), None)),
        ("failed pipelines", of(None, None, Some(Status::Failed))),
    ] {
        let (store, filter) = (&store, &filter);
        time(what, |at| async move {
            store
                .pipelines(filter, page(20_001 - at % 15_000))
                .await
                .unwrap()
                .len()
        })
        .await;
    }
    for (what, project, status) in [
        ("jobs", None, None),
        ("jobs of a project", one, None),
        ("failed jobs of a project", one, Some(Status::Failed)),
        ("pending jobs", None, Some(Status::Pending)),
    ] {
        let (store, filter) = (&store, &JobFilter { project, status });
        time(what, |at| async move {
            store
                .jobs(filter, page(1_000_001 - at % 900_000))
                .await
                .unwrap()
                .len()
        })
        .await;
    }
    let store = &store;
    time("a whole pipeline", |at| async move {
        let loaded = store.load_pipeline(PipelineId(1 + at % 20_000)).await;
        loaded.unwrap().unwrap().jobs.len()
    })
    .await;
    time("a job", |at| async move {
        usize::from(
            store
                .job(GlobalJobId(1 + at % 1_000_000))
                .await
                .unwrap()
                .is_some(),
        )
    })
    .await;
    time("an unknown token", |at| async move {
        let token = TokenHash::of(&at.to_string());
        usize::from(store.job_by_token(&token).await.unwrap().is_some())
    })
    .await;
    time("active pipelines", |_| async move {
        store.active_pipelines().await.unwrap().len()
    })
    .await;
}
