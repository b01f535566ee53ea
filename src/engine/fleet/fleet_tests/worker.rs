//! The runner in the coordinator's own process.

use std::sync::Arc;

use aqueduct_core::{
    id::{JobId, PipelineId},
    plan::{ConflictPolicy, JobKind, PublishSpec, Require},
    run::Status,
    sched::{ExecutorOffer, Offer, TagPolicy},
    time::Millis,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::{
    store::Runners as _,
    work::{Assignment, Directive, Report, WorkError, WorkSource as _},
};
use bytes::Bytes;

use super::{
    rig::{Rig, end, plan},
    statuses,
};
use crate::fleet::{FleetWork, PipelineRequest};

async fn publish(rig: &Rig) -> PipelineId {
    let mut plan = plan(&[&["script", "publish"]]);
    plan.jobs[1].kind = JobKind::Publish(PublishSpec {
        python: vec!["*".into()],
        to: vec!["east".into()],
        primary: None,
        require: Require::All,
        on_conflict: ConflictPolicy::Fail,
    });
    // The worker is a service: tags don't keep a release from it.
    plan.jobs[1].tags = vec!["gpu".into()];
    let request = PipelineRequest {
        project: rig.project,
        cause: "1".into(),
        git_ref: "refs/heads/main".into(),
        sha: "a".repeat(40),
        before_sha: None,
        source: "push".into(),
        plan: Ok(Arc::new(plan)),
    };
    rig.start(&request).await
}

async fn enlist(rig: &Rig) -> FleetWork {
    FleetWork::enlist(Arc::clone(&rig.fleet), "worker")
        .await
        .unwrap()
}

async fn lease(work: &FleetWork) -> Assignment {
    let offer = Offer {
        runner: "worker".into(),
        executors: vec![ExecutorOffer::release()],
        tags: TagPolicy::Any,
        run_untagged: true,
    };
    work.lease(&offer).await.unwrap().unwrap()
}

#[tokio::test]
async fn it_takes_releases_and_reports_them_without_a_wire() {
    let rig = Rig::new().await;
    let id = publish(&rig).await;
    let work = enlist(&rig).await;
    let job = lease(&work).await;
    assert_eq!(job.job.name, "publish");
    assert_eq!(job.executor, "release");
    assert_eq!(job.project.as_deref(), Some("group/name"));
    assert_eq!(job.lease.key.job, JobId(2), "its id on the wire");
    assert_eq!(job.masks.len(), 2, "both tokens");
    assert!(matches!(
        work.renew(&job.lease).await,
        Ok(Directive::Continue)
    ));
    let text = Bytes::from_static(b"released\n");
    let stored = work.append_trace(&job.lease, 0, text).await.unwrap();
    assert_eq!(stored, 9);
    let early = work
        .report(&job.lease, Report::Finished(end(None, 20)))
        .await;
    assert!(matches!(
        early,
        Err(WorkError::TraceIncomplete { stored: 9 })
    ));
    let done = || work.report(&job.lease, Report::Finished(end(None, 9)));
    done().await.unwrap();
    assert_eq!(statuses(&rig, id).await, [Status::Pending, Status::Success]);
    assert!(matches!(done().await, Err(WorkError::Stale)));
}

#[tokio::test]
async fn a_cancel_is_heard_with_the_next_sign_of_life() {
    let rig = Rig::new().await;
    let id = publish(&rig).await;
    let work = enlist(&rig).await;
    let job = lease(&work).await;
    work.renew(&job.lease).await.unwrap();
    rig.fleet
        .cancel_pipeline(id, false, "enough")
        .await
        .unwrap();
    let heard = work.renew(&job.lease).await.unwrap();
    let grace = Millis::from_secs(10);
    assert_eq!(heard, Directive::Cancel { grace });
    assert_eq!(work.canceled(&job.lease).await, heard);
}

#[tokio::test]
async fn a_new_one_voids_what_its_dead_predecessor_had() {
    let mut rig = Rig::new().await;
    let id = publish(&rig).await;
    let dead = enlist(&rig).await;
    let before = lease(&dead).await;
    dead.renew(&before.lease).await.unwrap();
    // Far more often than the budget for lost runners pays for.
    for attempt in 2..=9 {
        rig.restart().await;
        let work = enlist(&rig).await;
        let again = lease(&work).await;
        assert_eq!(again.lease.key.attempt, attempt);
        work.renew(&again.lease).await.unwrap();
    }
    rig.restart().await;
    let work = enlist(&rig).await;
    let again = lease(&work).await;
    let report = Report::Finished(end(None, 0));
    work.report(&again.lease, report).await.unwrap();
    assert_eq!(statuses(&rig, id).await, [Status::Pending, Status::Success]);
    let runners = rig.store.runners().await.unwrap();
    assert_eq!(runners.len(), 2, "its row was found again");
}

#[tokio::test]
async fn one_that_stops_hands_back_what_it_has_at_nobodys_cost() {
    let rig = Rig::new().await;
    let id = publish(&rig).await;
    let work = enlist(&rig).await;
    for attempt in 1..=5 {
        let job = lease(&work).await;
        assert_eq!(job.lease.key.attempt, attempt);
        work.renew(&job.lease).await.unwrap();
        let stopped = Verdict::new(VerdictKind::RunnerLost, "stopped");
        let report = Report::Finished(end(Some(stopped), 0));
        work.report(&job.lease, report).await.unwrap();
        assert_eq!(statuses(&rig, id).await, [Status::Pending; 2]);
    }
}
