//! Cancels, lost leases, panics, shutdown.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aqueduct_core::{plan::StoreWhen, time::Millis, verdict::VerdictKind};
use aqueduct_ports::{
    executor::{Capabilities, ExecError, ExecEvent, Executor, Handle, JobSpec},
    work::Assignment,
};
use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{
    rig::{Rig, job, key, only_end, readable},
    source::{Source, Trouble},
};
use crate::{ExecutorSlot, Shutdown, run};

struct Running {
    source: Arc<Source>,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<Result<(), ExecError>>,
}

/// Starts the job and waits until it has written `ready`.
async fn start(rig: &Rig, assignment: Assignment) -> Running {
    let source = Arc::new(Source::new(vec![assignment], Trouble::None));
    let shutdown = Shutdown::default();
    let task = tokio::spawn(run(rig.config(), source.clone(), shutdown.clone()));
    source.trace_has(key(1), "ready\n").await;
    Running {
        source,
        shutdown,
        task,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_runner_hands_its_job_back() {
    let rig = Rig::new(&[]);
    let built = job(1, &["echo ready; sleep 60"]);
    let running = start(&rig, built.build()).await;
    running.shutdown.interrupt.cancel();
    running.task.await.unwrap().unwrap();
    let record = running.source.record(key(1));
    let verdict = only_end(&record).verdict.unwrap();
    assert_eq!(verdict.kind, VerdictKind::RunnerLost);
    assert!(readable(&record).contains("it hands the job back"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_can_t_be_done_fails_with_why() {
    let rig = Rig::new(&[]);
    let built = job(1, &["echo never"]).change(|assignment| {
        assignment.job.unsupported = vec!["this runner knows no `run`".into()];
    });
    let (end, trace) = rig.run_one(built).await;
    assert_eq!(end.verdict.unwrap().kind, VerdictKind::RunnerUnsupported);
    assert!(trace.contains("this runner knows no `run`") && !trace.contains("never"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_stops_the_script_and_runs_after_script() {
    let rig = Rig::new(&[]);
    let built = job(1, &["echo ready; echo x >out; sleep 60"])
        .after_script(&["echo after $CI_JOB_STATUS"])
        .artifacts(StoreWhen::OnFailure, &["out"]);
    let begun = Instant::now();
    let running = start(&rig, built.build()).await;
    running.source.cancel(Millis::from_secs(5));
    running.task.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    let record = running.source.record(key(1));
    let end = only_end(&record);
    assert_eq!(end.verdict.unwrap().kind, VerdictKind::Canceled);
    assert!(end.has_artifacts);
    assert!(
        readable(&record).contains("after canceled"),
        "{}",
        readable(&record)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_leaves_out_after_script_and_artifacts() {
    let rig = Rig::new(&[]);
    let built = job(1, &["trap '' TERM; echo ready; sleep 60"])
        .after_script(&["echo after"])
        .artifacts(StoreWhen::Always, &["."]);
    let begun = Instant::now();
    let running = start(&rig, built.build()).await;
    running.shutdown.kill.cancel();
    running.task.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    let record = running.source.record(key(1));
    let end = only_end(&record);
    assert_eq!(end.verdict.unwrap().kind, VerdictKind::Canceled);
    assert!(!end.has_artifacts);
    assert!(!readable(&record).contains("after\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_cancel_with_less_grace_stops_after_script() {
    let rig = Rig::new(&[]);
    let built = job(1, &["echo ready; sleep 60"]).after_script(&["echo in after; sleep 60"]);
    let begun = Instant::now();
    let running = start(&rig, built.build()).await;
    running.source.cancel(Millis::from_secs(5));
    running.source.trace_has(key(1), "in after").await;
    running.source.cancel(Millis(0));
    running.task.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(
        only_end(&running.source.record(key(1)))
            .verdict
            .unwrap()
            .kind,
        VerdictKind::Canceled
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_is_dropped_without_a_report() {
    let rig = Rig::new(&[]);
    let built = job(1, &["echo ready; touch made; sleep 60"])
        .change(|assignment| assignment.lease_time = Millis(150));
    let begun = Instant::now();
    let running = start(&rig, built.build()).await;
    running.source.end_leases();
    running.task.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(running.source.record(key(1)).ends.is_empty());
    let jobs = rig.workspace.snapshot_dir().with_file_name("jobs");
    assert_eq!(std::fs::read_dir(jobs).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_renewed_while_a_job_is_silent() {
    let rig = Rig::new(&[]);
    let built = job(1, &["sleep 0.5"]).change(|assignment| assignment.lease_time = Millis(150));
    let source = rig.run(vec![built.build()]).await;
    let record = source.record(key(1));
    assert!(record.renewals >= 5, "{}", record.renewals);
    assert_eq!(only_end(&record).verdict, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_leases_no_more_and_lets_jobs_end() {
    let rig = Rig::new(&[]);
    let jobs = vec![job(1, &["echo ready; sleep 0.5; echo finished"]).build()];
    let source = Arc::new(Source::new(jobs, Trouble::None));
    let shutdown = Shutdown::default();
    let task = tokio::spawn(run(rig.config(), source.clone(), shutdown.clone()));
    source.trace_has(key(1), "ready\n").await;
    shutdown.drain.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(only_end(&source.record(key(1))).verdict, None);
}

/// Panics where a job is to begin.
struct Panics;

#[async_trait]
impl Executor for Panics {
    async fn capabilities(&self) -> Result<Capabilities, ExecError> {
        Ok(Capabilities {
            executor: "host".into(),
            platforms: Vec::new(),
        })
    }
    async fn ensure(&self, _spec: &JobSpec) -> Result<Handle, ExecError> {
        panic!("boom")
    }
    async fn attach(&self, _handle: &Handle) -> Result<mpsc::Receiver<ExecEvent>, ExecError> {
        Err(ExecError::Machine("unused".into()))
    }
    async fn cancel(&self, _handle: &Handle, _grace: Millis) -> Result<(), ExecError> {
        Ok(())
    }
    async fn destroy(&self, _handle: &Handle) -> Result<(), ExecError> {
        Ok(())
    }
    async fn list(&self) -> Result<Vec<Handle>, ExecError> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_its_job_and_nothing_else() {
    let rig = Rig::new(&[]);
    let mut config = rig.config();
    config.executors = vec![ExecutorSlot::host(Arc::new(Panics), true)];
    let jobs = vec![job(1, &["true"]).build(), job(2, &["true"]).build()];
    let source = Arc::new(Source::new(jobs, Trouble::None));
    run(config, source.clone(), Shutdown::default())
        .await
        .unwrap();
    for number in [1, 2] {
        let verdict = only_end(&source.record(key(number))).verdict.unwrap();
        assert_eq!(verdict.kind, VerdictKind::Internal);
        assert_eq!(verdict.cause, "the runner panicked: boom");
    }
}
