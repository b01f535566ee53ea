//! How many transitions a second. A measurement, not a test: `cargo test --release -p aqueduct-store -- --ignored --nocapture measure`.

#![expect(clippy::print_stdout, reason = "a measurement says what it measured")]

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, PipelineId},
    run::Status,
    time::{Millis, Timestamp},
    token::TokenHash,
};
use aqueduct_ports::store::{
    JobChange, NewEffect, NewJob, NewPipeline, NewProject, PipelineChange, PipelineHead, Store,
};
use aqueduct_store::Database;
use aqueduct_testkit::postgres::Postgres;
use bytes::Bytes;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_795_509_000_000);
const JOBS: u32 = 50;
const LENGTH: Duration = Duration::from_secs(5);

fn head(status: Status) -> PipelineHead {
    PipelineHead {
        status,
        active: true,
        state: "x".repeat(300),
        started: None,
        finished: None,
    }
}

async fn pipeline(store: &dyn Store, number: u32) -> (PipelineId, GlobalJobId) {
    let project = NewProject {
        path: format!("group/{number}"),
        git_url: String::new(),
        default_branch: None,
        interval: Millis(1),
        settings: String::new(),
        created: NOW,
    };
    let project = store.create_project(&project).await.unwrap().id;
    let job = |number| NewJob {
        name: format!("job {number}"),
        stage: "test".to_owned(),
        status: Status::Pending,
        state: "x".repeat(300),
    };
    let new = NewPipeline {
        project,
        cause: "one".to_owned(),
        git_ref: "refs/heads/main".to_owned(),
        sha: "0".repeat(40),
        before_sha: None,
        source: "push".to_owned(),
        name: None,
        plan: None,
        plan_hash: None,
        diagnostics: None,
        head: head(Status::Pending),
        jobs: (0..JOBS).map(job).collect(),
        effects: Vec::new(),
        created: NOW,
    };
    let made = store.create_pipeline(&new).await.unwrap();
    (made.id, made.first_job)
}

/// A lease, a start or an end: the job, and with the end the next stage's job.
fn transition(id: PipelineId, version: u64, number: u32) -> PipelineChange {
    let (position, step) = (number / 3 % JOBS, number % 3);
    let status = [Status::Preparing, Status::Running, Status::Success][step as usize];
    let job = |position| JobChange {
        position,
        status,
        attempt: 1,
        state: "y".repeat(300),
        manager: None,
        report_token: Some(TokenHash::of(&format!("{id} {number}"))),
        read_token: Some(TokenHash::of(&format!("{id} {number} read"))),
    };
    let effect = NewEffect {
        kind: "commit_status".to_owned(),
        subject: Some(format!("status/{id}")),
        body: "{}".to_owned(),
        due: NOW,
    };
    let mut jobs = vec![job(position)];
    if step == 2 && position + 1 < JOBS {
        jobs.push(job(position + 1));
    }
    PipelineChange {
        id,
        expected_version: version,
        head: head(Status::Running),
        jobs,
        effects: if step == 2 { vec![effect] } else { Vec::new() },
        now: NOW,
    }
}

/// Lets `lanes` write one after the other each; operations a second, and how long the median and the slowest hundredth took.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    lanes: u32,
    what: &str,
    step: impl Fn(u32, u32) -> F + Send + Sync + Clone + 'static,
) {
    let begin = Instant::now();
    let lane = |lane| {
        let step = step.clone();
        tokio::spawn(async move {
            let mut took = Vec::new();
            while begin.elapsed() < LENGTH {
                let before = Instant::now();
                step(lane, took.len() as u32).await;
                took.push(before.elapsed());
            }
            took
        })
    };
    let lanes_now: Vec<_> = (0..lanes).map(lane).collect();
    let mut took = Vec::new();
    for lane in lanes_now {
        took.extend(lane.await.unwrap());
    }
    let seconds = begin.elapsed().as_secs_f64();
    took.sort();
    println!(
        "{what}, {lanes} at once: {:.0}/s, p50 {:?}, p99 {:?}",
        took.len() as f64 / seconds,
        took[took.len() / 2],
        took[took.len() * 99 / 100],
    );
}

async fn measure(store: Arc<dyn Store>) {
    for lanes in [1, 8, 64, 256] {
        let mut made = Vec::new();
        for number in 0..lanes {
            made.push(pipeline(&*store, lanes * 1000 + number).await);
        }
        let (made, writer) = (Arc::new(made), Arc::clone(&store));
        let transit = move |lane: u32, number: u32| {
            let (id, writer) = (made[lane as usize].0, Arc::clone(&writer));
            async move {
                let change = transition(id, u64::from(number) + 1, number);
                writer.commit_pipeline(&change).await.unwrap();
            }
        };
        rate(lanes, "transitions", transit).await;
    }
    let writer = Arc::clone(&store);
    let append = move |lane: u32, number: u32| {
        let writer = Arc::clone(&writer);
        async move {
            let of = GlobalAttempt {
                job: GlobalJobId(1_000_000 + u64::from(lane)),
                attempt: 1,
            };
            let bytes = Bytes::from(vec![b'x'; 16 << 10]);
            let offset = u64::from(number) * (16 << 10);
            let appended = writer.append_trace(of, offset, bytes, u64::MAX, NOW).await;
            assert_eq!(appended.unwrap().head.received, offset + (16 << 10));
        }
    };
    rate(64, "trace chunks of 16 KiB", append).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of half a minute"]
async fn measure_sqlite() {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    measure(Arc::new(Database::sqlite(dir.path()).await.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of half a minute"]
async fn measure_postgres() {
    let server = Postgres::start_durable().unwrap();
    let url = server.database().unwrap();
    measure(Arc::new(Database::postgres(&url).await.unwrap())).await;
}
