//! `index` and `publish` jobs.

use std::sync::{Arc, Mutex};

use aqueduct_core::{
    plan::{ConflictPolicy, IndexSpec, JobKind, PublishSpec, Require, StoreWhen},
    release::{PublishRelease, ReleaseReport, ReleaseState},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::release::{ReleaseBackend, ReleaseInputs, ReleaseLog};
use async_trait::async_trait;

use super::rig::{JobBuilder, Rig, job, key, only_end, readable};

/// Remembers what it was asked.
#[derive(Default)]
struct Backend {
    asked: Mutex<Vec<(PublishSpec, ReleaseInputs, Vec<String>)>>,
    fails: bool,
}

#[async_trait]
impl ReleaseBackend for Backend {
    async fn index(
        &self,
        _: &IndexSpec,
        _: &ReleaseInputs,
        _: &dyn ReleaseLog,
    ) -> Result<(), Verdict> {
        Ok(())
    }

    async fn publish(
        &self,
        spec: &PublishSpec,
        inputs: &ReleaseInputs,
        log: &dyn ReleaseLog,
    ) -> Result<(), Verdict> {
        log.line("uploading");
        log.released(report());
        let read = |dir: &std::path::Path| std::fs::read_to_string(dir.join("dist/x")).unwrap();
        let contents = inputs.jobs.iter().map(|job| read(&job.dir)).collect();
        self.asked
            .lock()
            .unwrap()
            .push((spec.clone(), inputs.clone(), contents));
        if self.fails {
            return Err(Verdict::new(
                VerdictKind::DestinationConflict,
                "other bytes",
            ));
        }
        Ok(())
    }
}

fn report() -> ReleaseReport {
    ReleaseReport::Publish(PublishRelease {
        project: "x".into(),
        version: "1".into(),
        state: ReleaseState::Failed,
        required: 1,
        files: Vec::new(),
        destinations: Vec::new(),
    })
}

fn publish_job(number: u64) -> JobBuilder {
    job(number, &[]).change(|assignment| {
        assignment.executor = "release".into();
        assignment.job.kind = JobKind::Publish(PublishSpec {
            python: vec!["dist/*".into()],
            to: vec!["$REGION".into()],
            primary: None,
            require: Require::All,
            on_conflict: ConflictPolicy::Fail,
        });
    })
}

fn maker(number: u64) -> JobBuilder {
    job(number, &[&format!("mkdir dist; echo {number} >dist/x")])
        .artifacts(StoreWhen::OnSuccess, &["dist/"])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_needed_job_has_a_directory_of_its_own() {
    let backend = Arc::new(Backend::default());
    let mut rig = Rig::new(&[]);
    rig.slots = 1;
    rig.release = Some(backend.clone());
    let release = publish_job(3)
        .variable("REGION", "eu")
        .variable("CI_COMMIT_TIMESTAMP", "2025-11-24T09:30:00+01:00")
        .needs(1)
        .needs(2);
    let source = rig
        .run([maker(1), maker(2), release].map(JobBuilder::build).into())
        .await;
    let record = source.record(key(3));
    assert_eq!(only_end(&record).verdict, None);
    assert_eq!(record.started, 1);
    assert!(readable(&record).contains("uploading\n"));
    let asked = backend.asked.lock().unwrap();
    let (spec, inputs, contents) = &asked[0];
    assert_eq!(spec.to, ["eu"]);
    assert_eq!(contents, &["1\n", "2\n"]);
    assert_eq!(inputs.jobs[0].job, "job 1: [amd64]");
    assert_eq!(inputs.jobs[0].base, "job 1");
    assert_eq!(inputs.source_date_epoch, Some(1_763_973_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backends_verdict_is_the_jobs() {
    let backend = Backend {
        fails: true,
        ..Backend::default()
    };
    let mut rig = Rig::new(&[]);
    rig.release = Some(Arc::new(backend));
    let (end, trace) = rig.run_one(publish_job(1)).await;
    assert_eq!(end.verdict.unwrap().kind, VerdictKind::DestinationConflict);
    assert!(trace.contains("ERROR: Job failed: other bytes"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_backend_release_jobs_are_refused() {
    let rig = Rig::new(&[]);
    let (end, _) = rig.run_one(publish_job(1)).await;
    assert_eq!(end.verdict.unwrap().kind, VerdictKind::RunnerUnsupported);
}
