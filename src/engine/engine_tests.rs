//! The engine as the runner loop and the command line see it. Time is tokio's, paused: waiting costs nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aqueduct_core::{
    plan::{
        AllowFailure, JobKind, Need, OnNewCommit, PipelineHead, Plan, PlanJob, PlanVariable,
        ScriptSpec, VariableOrigin, When,
    },
    platform::Arch,
    run::Status,
    sched::{ExecutorOffer, Offer, TagPolicy},
    time::{Millis, Timestamp},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::{
    clock::Clock,
    executor::Placement,
    work::{Assignment, Directive, JobEnd, Report, WorkError, WorkSource},
};
use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::{Engine, EngineError, RunEvent, RunEvents, RunOptions, Waiting};

/// Tokio's time, and how long the machine has slept beside it.
struct TokioClock {
    began: Instant,
    slept: AtomicU64,
}

impl TokioClock {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            slept: AtomicU64::new(0),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let awake = self.began.elapsed().as_millis() as u64;
        Timestamp(1_795_509_000_000) + Millis(awake + self.slept.load(Ordering::Relaxed))
    }
}

fn job(name: &str, stage: u32) -> PlanJob {
    let kind = JobKind::Script(ScriptSpec::default());
    PlanJob::new(name, &format!("s{stage}"), stage, kind)
}

fn after(name: &str, stage: u32, need: &str) -> PlanJob {
    PlanJob {
        needs: Some(vec![Need {
            job: need.into(),
            artifacts: true,
            optional: false,
        }]),
        artifacts_from: [need.into()].into(),
        ..job(name, stage)
    }
}

fn plan(jobs: Vec<PlanJob>) -> Plan {
    Plan {
        pipeline: PipelineHead {
            source: "push".into(),
            ref_name: "main".into(),
            sha: "0".repeat(40),
            run: true,
            name: None,
            cancel_on_job_failure: false,
            on_new_commit: OnNewCommit::default(),
        },
        variables: Vec::new(),
        stages: Vec::new(),
        jobs,
        skipped: Vec::new(),
        hash: String::new(),
    }
}

fn start_with(
    jobs: Vec<PlanJob>,
    options: RunOptions,
) -> Result<(Arc<Engine>, RunEvents), EngineError> {
    Engine::new(&plan(jobs), options, Arc::new(TokioClock::new()))
}

fn start(jobs: Vec<PlanJob>) -> (Arc<Engine>, RunEvents) {
    start_with(jobs, RunOptions::default()).unwrap()
}

fn offer() -> Offer {
    Offer {
        runner: "laptop".into(),
        executors: vec![ExecutorOffer::host(vec![Arch::Amd64], false)],
        tags: TagPolicy::Any,
        run_untagged: true,
    }
}

async fn lease(engine: &Engine) -> Assignment {
    engine.lease(&offer()).await.unwrap().unwrap()
}

fn placement() -> Placement {
    Placement {
        executor: "host".into(),
        arch: Arch::Amd64,
        emulated: false,
        image_digest: None,
        platform: None,
    }
}

fn end(verdict: Option<Verdict>) -> JobEnd {
    JobEnd {
        exit_code: verdict
            .as_ref()
            .map_or(Some(0), |verdict| verdict.exit_code),
        verdict,
        dotenv: Vec::new(),
        trace_bytes: 0,
        has_artifacts: false,
        coverage: None,
        release: None,
    }
}

async fn finish(engine: &Engine, work: &Assignment, end: JobEnd) {
    let report = Report::Finished(end);
    engine.report(&work.lease, report).await.unwrap();
}

/// One word an event, as long as there are any.
fn words(events: &mut RunEvents) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(timed) = events.try_next() {
        words.push(match timed.event {
            RunEvent::PipelineStarted { jobs, .. } => format!("begin {}", jobs.len()),
            RunEvent::JobMoved { job, to, .. } => format!("{job} {to}"),
            RunEvent::JobStarted { job, placement, .. } => {
                format!("{job} on {}", placement.executor)
            }
            RunEvent::Log { job, bytes, .. } => format!("{job} says {} bytes", bytes.len()),
            RunEvent::JobRetrying { job, verdict, .. } => format!("{job} again: {}", verdict.kind),
            RunEvent::JobFinished {
                job,
                status,
                verdict,
                ..
            } => match verdict {
                Some(verdict) => format!("{job} {status}: {}", verdict.kind),
                None => format!("{job} {status}"),
            },
            RunEvent::PipelineFinished { status, .. } => format!("end {status}"),
        });
    }
    words
}

#[tokio::test(start_paused = true)]
async fn a_run_tells_what_happens_in_order() {
    let (engine, mut events) = start(vec![job("build", 0), job("test", 1)]);
    for _ in 0..2 {
        let work = lease(&engine).await;
        let started = Report::Started(placement());
        engine.report(&work.lease, started.clone()).await.unwrap();
        engine.report(&work.lease, started).await.unwrap();
        let stored = engine
            .append_trace(&work.lease, 0, Bytes::from_static(b"hello"))
            .await;
        assert_eq!(stored.unwrap(), 5);
        let over = JobEnd {
            trace_bytes: 5,
            ..end(None)
        };
        finish(&engine, &work, over.clone()).await;
        finish(&engine, &work, over).await;
    }
    assert!(engine.lease(&offer()).await.unwrap().is_none());
    assert_eq!(engine.run().await, Status::Success);
    let of = |job: &str| {
        ["preparing", "running", "on host", "says 5 bytes", "success"]
            .map(|word| format!("{job} {word}"))
    };
    let mut expected = vec!["begin 2".to_owned(), "build pending".to_owned()];
    expected.extend(of("build"));
    expected.push("test pending".into());
    expected.extend(of("test"));
    expected.push("end success".into());
    assert_eq!(words(&mut events), expected);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_waiting_runner_is_woken_at_once() {
    let (engine, _events) = start(vec![job("build", 0), job("test", 1)]);
    let work = lease(&engine).await;
    let waiting = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { (lease(&engine).await, Instant::now()) }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let finished = Instant::now();
    finish(&engine, &work, end(None)).await;
    let (next, leased) = waiting.await.unwrap();
    assert_eq!(next.job.name, "test");
    // A few microseconds on an idle machine; a poll would take its interval.
    assert!(
        leased - finished < Duration::from_millis(500),
        "{:?}",
        leased - finished
    );
}

#[tokio::test(start_paused = true)]
async fn cancel_reaches_the_runner_and_a_second_one_cuts_the_grace() {
    let (engine, _events) = start(vec![job("build", 0), job("test", 1)]);
    let work = lease(&engine).await;
    let quiet = timeout(Duration::from_secs(30), engine.canceled(&work.lease)).await;
    assert!(quiet.is_err(), "nobody has cancelled");
    engine.cancel(Millis(10_000), "somebody said so");
    let grace = |grace| Directive::Cancel {
        grace: Millis(grace),
    };
    assert_eq!(engine.canceled(&work.lease).await, grace(10_000));
    assert_eq!(engine.renew(&work.lease).await.unwrap(), grace(10_000));
    let again = timeout(Duration::from_secs(1), engine.canceled(&work.lease)).await;
    assert!(again.is_err(), "it was told already");
    engine.cancel(Millis(0), "at once");
    assert_eq!(engine.canceled(&work.lease).await, grace(0));
    let canceled = Verdict::new(VerdictKind::Canceled, "stopped");
    finish(&engine, &work, end(Some(canceled))).await;
    assert_eq!(engine.run().await, Status::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_falls_silent_loses_the_job() {
    let (engine, mut events) = start(vec![job("build", 0)]);
    let lost = lease(&engine).await;
    engine
        .report(&lost.lease, Report::Started(placement()))
        .await
        .unwrap();
    let work = lease(&engine).await;
    assert_eq!((work.lease.key.attempt, &*work.job.name), (2, "build"));
    let stop = Directive::Cancel { grace: Millis(0) };
    assert_eq!(engine.canceled(&lost.lease).await, stop);
    assert!(matches!(
        engine.renew(&lost.lease).await,
        Err(WorkError::Stale)
    ));
    let late = engine
        .append_trace(&lost.lease, 0, Bytes::from_static(b"x"))
        .await;
    assert!(matches!(late, Err(WorkError::Stale)));
    finish(&engine, &work, end(None)).await;
    assert!(words(&mut events).contains(&"build again: runner.lost".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_has_not_lost_its_runner() {
    let clock = Arc::new(TokioClock::new());
    let plan = plan(vec![job("build", 0)]);
    let (engine, _events) = Engine::new(&plan, RunOptions::default(), clock.clone()).unwrap();
    let work = lease(&engine).await;
    engine
        .report(&work.lease, Report::Started(placement()))
        .await
        .unwrap();
    let watched = Arc::clone(&engine);
    let run = tokio::spawn(async move { watched.run().await });
    tokio::time::sleep(Duration::from_secs(40)).await;
    engine.renew(&work.lease).await.unwrap();
    clock.slept.store(8 * 3600 * 1000, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(engine.snapshot().jobs[0].status, Status::Running);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(
        engine.snapshot().jobs[0].status,
        Status::Pending,
        "now it is lost"
    );
    run.abort();
}

#[tokio::test(start_paused = true)]
async fn a_report_waits_for_the_whole_trace() {
    let (engine, _events) = start(vec![job("build", 0)]);
    let work = lease(&engine).await;
    let over = JobEnd {
        trace_bytes: 6,
        ..end(None)
    };
    let append = |offset, bytes: &'static [u8]| {
        engine.append_trace(&work.lease, offset, Bytes::from_static(bytes))
    };
    assert_eq!(append(0, b"abc").await.unwrap(), 3);
    let refused = engine
        .report(&work.lease, Report::Finished(over.clone()))
        .await;
    assert!(matches!(
        refused,
        Err(WorkError::TraceIncomplete { stored: 3 })
    ));
    assert_eq!(append(5, b"f").await.unwrap(), 3, "a gap");
    assert_eq!(append(2, b"cdef").await.unwrap(), 6, "an overlap");
    finish(&engine, &work, over).await;
    assert_eq!(
        append(0, b"abc").await.unwrap(),
        6,
        "a repeat after the end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_makes_the_job_wait_for_the_watcher() {
    let (engine, mut events) = start(vec![job("build", 0)]);
    let work = lease(&engine).await;
    let chunk = Bytes::from(vec![b'x'; 3 << 20]);
    engine
        .append_trace(&work.lease, 0, chunk.clone())
        .await
        .unwrap();
    let second = engine.append_trace(&work.lease, 3 << 20, chunk.clone());
    assert!(timeout(Duration::from_secs(5), second).await.is_err());
    assert_eq!(
        words(&mut events).last().unwrap(),
        "build says 3145728 bytes"
    );
    engine
        .append_trace(&work.lease, 3 << 20, chunk.clone())
        .await
        .unwrap();
    drop(events);
    assert_eq!(
        engine
            .append_trace(&work.lease, 6 << 20, chunk)
            .await
            .unwrap(),
        9 << 20
    );
}

#[tokio::test(start_paused = true)]
async fn the_log_is_cut_at_its_limit_with_a_notice() {
    let options = RunOptions {
        trace_limit: 4,
        ..RunOptions::default()
    };
    let (engine, mut events) = start_with(vec![job("build", 0)], options).unwrap();
    let work = lease(&engine).await;
    let bytes = Bytes::from_static(b"abcdef");
    assert_eq!(engine.append_trace(&work.lease, 0, bytes).await.unwrap(), 6);
    let mut log = Vec::new();
    while let Some(timed) = events.try_next() {
        if let RunEvent::Log { bytes, .. } = timed.event {
            log.extend_from_slice(&bytes);
        }
    }
    assert_eq!(
        log,
        b"abcd\nthe log is longer than 4 bytes: the rest is dropped\n"
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_nobody_takes_fails_after_the_patience() {
    let arm = PlanJob {
        arch: Some(Arch::Arm64),
        ..job("arm", 0)
    };
    let (engine, mut events) = start(vec![arm]);
    let began = Instant::now();
    assert!(engine.lease(&offer()).await.unwrap().is_none());
    assert_eq!(began.elapsed(), RunOptions::default().patience.to_std());
    assert_eq!(engine.run().await, Status::Failed);
    let verdict = engine.snapshot().jobs[0].verdict.clone().unwrap();
    assert_eq!(
        verdict.to_string(),
        "runner.none: no runner takes arch arm64"
    );
    assert_eq!(words(&mut events).pop().unwrap(), "end failed");
}

#[tokio::test(start_paused = true)]
async fn later_jobs_see_dotenv_values_and_artifacts() {
    let (engine, _events) = start(vec![
        job("build", 0),
        after("test", 1, "build"),
        job("lint", 1),
    ]);
    let work = lease(&engine).await;
    let left = JobEnd {
        dotenv: vec![("VERSION".into(), "1.2".into())],
        has_artifacts: true,
        ..end(None)
    };
    finish(&engine, &work, left).await;
    let (test, lint) = (lease(&engine).await, lease(&engine).await);
    let version = |work: &Assignment| {
        let found = work
            .variables
            .iter()
            .find(|variable| variable.key == "VERSION");
        found.map(|variable| variable.value.clone())
    };
    assert_eq!((version(&test), version(&lint)), (Some("1.2".into()), None));
    assert_eq!(test.dependencies[0].name, "build");
    assert_eq!(test.dependencies[0].key, work.lease.key);
    assert!(lint.dependencies.is_empty());
}

#[tokio::test(start_paused = true)]
async fn variables_are_final_and_secrets_must_have_a_value() {
    let secret = |key: &str| PlanVariable {
        key: key.into(),
        value: "".into(),
        origin: VariableOrigin::Project,
        raw: false,
        file: false,
        secret: true,
    };
    let with = |name: &str, key: &str| PlanJob {
        variables: vec![secret(key)],
        ..job(name, 0)
    };
    let options = RunOptions {
        secrets: [("TOKEN".to_owned(), "s3cr3t".to_owned())]
            .into_iter()
            .collect(),
        persisted: vec![("CI_RUNNER_TAGS".into(), "[]".into())],
        ..RunOptions::default()
    };
    assert!(!format!("{options:?}").contains("s3cr3t"));
    let jobs = vec![with("lost", "NOWHERE"), with("good", "TOKEN")];
    let (engine, mut events) = start_with(jobs, options).unwrap();
    let work = lease(&engine).await;
    let value = |key: &str| {
        let found = work
            .variables
            .iter()
            .find(|variable| variable.key == key)
            .unwrap();
        (found.value.as_str(), found.masked)
    };
    assert_eq!(value("TOKEN"), ("s3cr3t", true));
    assert_eq!(value("CI_JOB_ID"), ("2", false));
    assert_eq!(value("CI_JOB_STARTED_AT"), ("2026-11-24T08:30:00Z", false));
    assert_eq!(value("CI_RUNNER_TAGS"), ("[]", false));
    assert!(value("CI_JOB_TOKEN").1, "the token is masked");
    assert!(words(&mut events).contains(&"lost failed: secret.missing".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_run_rests_at_a_manual_job_that_nobody_plays() {
    let gate = PlanJob {
        when: When::Manual,
        ..job("gate", 0)
    };
    let optional = PlanJob {
        allow_failure: AllowFailure::Yes,
        ..gate.clone()
    };
    for (job, status) in [(gate.clone(), Status::Manual), (optional, Status::Skipped)] {
        let (engine, _events) = start(vec![job]);
        assert_eq!(engine.run().await, status);
    }
    for options in [
        RunOptions {
            play: vec!["gate".into()],
            ..RunOptions::default()
        },
        RunOptions {
            jobs: vec!["gate".into()],
            ..RunOptions::default()
        },
    ] {
        let (engine, _events) = start_with(vec![gate.clone()], options).unwrap();
        assert_eq!(lease(&engine).await.job.name, "gate");
    }
}

#[tokio::test(start_paused = true)]
async fn a_manual_job_can_be_played_while_others_run() {
    let gate = PlanJob {
        when: When::Manual,
        ..job("gate", 0)
    };
    let (engine, _events) = start(vec![gate, job("build", 0), job("test", 1)]);
    let snapshot = engine.snapshot();
    let waiting = |name: &str| snapshot.job(name).unwrap().waiting.clone();
    assert_eq!(waiting("gate"), Some(Waiting::Play));
    assert_eq!(waiting("build"), Some(Waiting::Slot));
    let words = waiting("test").unwrap().to_string();
    assert_eq!(words, "waits for gate and 1 more");
    let unknown = engine.play("nobody").unwrap_err();
    assert_eq!(unknown, EngineError::UnknownJob("nobody".into()));
    engine.play("gate").unwrap();
    let error = engine.play("gate").unwrap_err().to_string();
    assert_eq!(error, "job `gate` can't be played: it is pending");
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_the_named_jobs_and_what_they_wait_for() {
    let jobs = || {
        vec![
            job("build", 0),
            job("lint", 0),
            after("test", 1, "build"),
            job("deploy", 2),
            PlanJob {
                unsupported: vec![".gitlab-ci.yml:9:3".into()],
                ..after("new", 2, "lint")
            },
            PlanJob {
                unsupported: vec!["services (x.yml:9:3)".into(), "trigger (x.yml:8:3)".into()],
                ..job("newer", 3)
            },
        ]
    };
    let named = |names: &[&str]| {
        let options = RunOptions {
            jobs: names.iter().map(ToString::to_string).collect(),
            ..RunOptions::default()
        };
        start_with(jobs(), options).map(|(engine, _)| {
            let jobs = engine.snapshot().jobs;
            let names: Vec<String> = jobs.into_iter().map(|job| job.name).collect();
            names.join(" ")
        })
    };
    assert_eq!(named(&["test"]).unwrap(), "build test");
    assert_eq!(named(&["deploy"]).unwrap(), "build lint test deploy");
    assert_eq!(
        named(&["nobody"]),
        Err(EngineError::UnknownJob("nobody".into()))
    );
    assert_eq!(
        named(&[]).unwrap_err().to_string(),
        "2 jobs use what this version can't run yet:\n  new: .gitlab-ci.yml:9:3\n  \
         newer: services (x.yml:9:3), trigger (x.yml:8:3)"
    );
    assert_eq!(
        named(&["new"]).unwrap_err().to_string(),
        "job `new` uses what this version can't run yet: .gitlab-ci.yml:9:3"
    );
    assert_eq!(
        start_with(Vec::new(), RunOptions::default()).err(),
        Some(EngineError::NoJobs)
    );
}

#[tokio::test]
async fn a_thousand_jobs_are_no_burden() {
    let jobs = (0..1000).map(|at| PlanJob {
        needs: (at % 3 == 0).then(Vec::new),
        ..job(&format!("j{at}"), at / 200)
    });
    let (engine, mut events) = start(jobs.collect());
    let runner = |engine: Arc<Engine>| async move {
        while let Some(work) = engine.lease(&offer()).await.unwrap() {
            let started = Report::Started(placement());
            engine.report(&work.lease, started).await.unwrap();
            finish(&engine, &work, end(None)).await;
        }
    };
    let runners: Vec<_> = (0..8)
        .map(|_| tokio::spawn(runner(Arc::clone(&engine))))
        .collect();
    assert_eq!(engine.run().await, Status::Success);
    for runner in runners {
        runner.await.unwrap();
    }
    let finished = words(&mut events)
        .into_iter()
        .filter(|word| word.ends_with(" success"));
    assert_eq!(finished.count(), 1001, "each job once, and the pipeline");
}
