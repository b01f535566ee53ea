//! The fleet over SQLite: what runners and people see of it, also across restarts.

mod rig;
mod together;
mod worker;

use std::time::Duration;

use aqueduct_core::{
    run::Status,
    time::{Millis, Timestamp},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::store::{Meta as _, Pipelines as _, TokenUse, Traces as _};
use bytes::Bytes;

use self::rig::{Rig, end};
use crate::{
    Waiting,
    fleet::{Claim, End, FleetError, Holder, Standing},
};

const LEASE: Millis = Millis::from_secs(90);

async fn holder(rig: &Rig, claim: &Claim) -> Holder {
    let found = rig.fleet.holder_of(claim.attempt.job, &claim.report_token);
    found.await.unwrap().unwrap()
}

async fn statuses(rig: &Rig, id: aqueduct_core::id::PipelineId) -> Vec<Status> {
    let jobs = rig.store.jobs_of(id).await.unwrap();
    jobs.into_iter().map(|job| job.status).collect()
}

#[tokio::test]
async fn jobs_are_handed_out_in_order_and_the_next_stage_follows() {
    let rig = Rig::new().await;
    let id = rig.create("1", &[&["a", "b"], &["c"]]).await;
    let first = rig.claim().await.unwrap();
    let second = rig.claim().await.unwrap();
    assert_eq!(
        (first.job.name.as_str(), second.job.name.as_str()),
        ("a", "b")
    );
    assert_eq!(second.attempt.job.0, first.attempt.job.0 + 1);
    assert!(rig.claim().await.is_none());
    for claim in [&first, &second] {
        let holder = holder(&rig, claim).await;
        assert_eq!(
            rig.fleet.heartbeat(&holder, LEASE).await,
            Ok(Standing::Running)
        );
        let taken = rig.fleet.finish(&holder, &end(None, 0)).await.unwrap();
        assert_eq!(taken, End::Taken(Status::Success));
    }
    let third = rig.claim().await.unwrap();
    assert_eq!(third.job.name, "c");
    let verdict = Verdict::exit(3);
    let third = holder(&rig, &third).await;
    rig.fleet
        .finish(&third, &end(Some(verdict), 0))
        .await
        .unwrap();
    let row = rig.store.pipeline(id).await.unwrap().unwrap();
    assert_eq!((row.head.status, row.head.active), (Status::Failed, false));
    assert_eq!(rig.fleet.load_now(), (0, 0));
}

#[tokio::test]
async fn the_same_cause_makes_one_pipeline() {
    let rig = Rig::new().await;
    let first = rig.create("push 1", &[&["a"]]).await;
    assert_eq!(rig.create("push 1", &[&["a"]]).await, first);
    assert!(rig.claim().await.is_some());
    assert!(rig.claim().await.is_none(), "the second one made no job");
}

#[tokio::test]
async fn a_waiting_runner_is_woken_by_the_job() {
    let rig = Rig::new().await;
    let (fleet, claimer) = (rig.fleet.clone(), rig.claimer.clone());
    let waiting = tokio::spawn(async move { fleet.claim(&claimer, Duration::from_mins(1)).await });
    tokio::task::yield_now().await;
    rig.create("1", &[&["a"]]).await;
    let claim = waiting.await.unwrap().unwrap().unwrap();
    assert_eq!(claim.job.name, "a");
}

#[tokio::test]
async fn two_jobs_that_end_together_both_count() {
    let rig = Rig::new().await;
    let id = rig.create("1", &[&["a", "b", "c", "d"], &["last"]]).await;
    let mut ends = Vec::new();
    while let Some(claim) = rig.claim().await {
        let (fleet, holder) = (rig.fleet.clone(), holder(&rig, &claim).await);
        ends.push(tokio::spawn(async move {
            fleet.finish(&holder, &end(None, 0)).await
        }));
    }
    for ended in ends {
        assert_eq!(ended.await.unwrap(), Ok(End::Taken(Status::Success)));
    }
    assert_eq!(statuses(&rig, id).await[4], Status::Pending);
}

#[tokio::test]
async fn a_report_is_taken_once_and_a_repeat_is_told_so_also_after_a_restart() {
    let mut rig = Rig::new().await;
    rig.create("1", &[&["a"], &["b"]]).await;
    let claim = rig.claim().await.unwrap();
    let before = holder(&rig, &claim).await;
    rig.fleet.heartbeat(&before, LEASE).await.unwrap();
    rig.restart().await;
    let after = holder(&rig, &claim).await;
    assert_eq!(before, after);
    for _ in 0..2 {
        let holder = holder(&rig, &claim).await;
        let taken = rig.fleet.finish(&holder, &end(None, 0)).await.unwrap();
        assert_eq!(taken, End::Taken(Status::Success));
        rig.restart().await;
    }
    assert!(rig.fleet.holder(&claim.report_token).is_none());
    assert_eq!(rig.claim().await.unwrap().job.name, "b");
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn an_end_waits_for_its_trace() {
    let rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let claim = rig.claim().await.unwrap();
    let holder = holder(&rig, &claim).await;
    let append = |offset, bytes| {
        rig.fleet
            .append_trace(&holder, offset, Bytes::from_static(bytes), LEASE)
    };
    let (_, appended) = append(0, b"hello ").await.unwrap();
    assert_eq!(appended.unwrap().head.received, 6);
    let early = rig.fleet.finish(&holder, &end(None, 11)).await.unwrap();
    assert_eq!(early, End::TraceIncomplete { stored: 6 });
    append(6, b"world").await.unwrap();
    let taken = rig.fleet.finish(&holder, &end(None, 11)).await.unwrap();
    assert_eq!(taken, End::Taken(Status::Success));
    let (standing, appended) = append(11, b"late").await.unwrap();
    assert_eq!(
        (standing, appended),
        (Standing::Over(Status::Success), None)
    );
    let head = rig.store.trace_head(claim.attempt).await.unwrap();
    assert_eq!(head.kept, 11);
}

#[tokio::test]
async fn a_claim_that_nobody_confirms_is_handed_out_again_at_nobodys_cost() {
    let rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let first = rig.claim().await.unwrap();
    rig.pass(Millis::from_secs(61));
    assert_eq!(rig.fleet.tick().await, Ok(1));
    let second = rig.claim().await.unwrap();
    assert_eq!((first.attempt.attempt, second.attempt.attempt), (1, 2));
    assert!(rig.fleet.holder(&first.report_token).is_none());
    // The first runner wakes up: it is told to drop the job.
    let late = rig.fleet.holder_of(first.attempt.job, &first.report_token);
    assert_eq!(late.await.unwrap(), None);
}

#[tokio::test]
async fn a_silent_runner_loses_the_job_and_one_that_is_heard_keeps_it() {
    let rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let claim = rig.claim().await.unwrap();
    let holder = holder(&rig, &claim).await;
    for _ in 0..10 {
        rig.pass(Millis::from_secs(60));
        let standing = rig.fleet.heartbeat(&holder, LEASE).await.unwrap();
        assert_eq!(standing, Standing::Running);
        rig.fleet.tick().await.unwrap();
    }
    rig.pass(Millis::from_secs(91));
    rig.fleet.tick().await.unwrap();
    let standing = rig.fleet.heartbeat(&holder, LEASE).await.unwrap();
    assert_eq!(standing, Standing::Over(Status::Pending));
    assert_eq!(rig.claim().await.unwrap().attempt.attempt, 2);
}

#[tokio::test]
async fn a_stop_of_the_coordinator_costs_no_lease() {
    let mut rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let claim = rig.claim().await.unwrap();
    let known = holder(&rig, &claim).await;
    rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    rig.fleet.alive().await.unwrap();
    rig.pass(Millis::from_secs(3600));
    rig.restart().await;
    rig.fleet.tick().await.unwrap();
    let standing = rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    assert_eq!(standing, Standing::Running);
}

#[tokio::test]
async fn a_clock_that_is_set_costs_no_lease_and_no_place_in_the_line() {
    let rig = Rig::new().await;
    let id = rig.create("1", &[&["a", "b"]]).await;
    let claim = rig.claim().await.unwrap();
    let known = holder(&rig, &claim).await;
    rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    rig.fleet.alive().await.unwrap();
    // Two days forward: whichever of its tasks wakes first.
    rig.pass(Millis::from_secs(2 * 24 * 3600));
    rig.fleet.tick().await.unwrap();
    let standing = rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    assert_eq!(standing, Standing::Running);
    assert_eq!(statuses(&rig, id).await, [Status::Running, Status::Pending]);
    // A runner that is gone is still found out.
    for _ in 0..10 {
        rig.pass(Millis::from_secs(10));
        rig.fleet.alive().await.unwrap();
    }
    rig.fleet.tick().await.unwrap();
    let standing = rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    assert_eq!(standing, Standing::Over(Status::Pending));
    // An hour back.
    let claim = rig.claim().await.unwrap();
    let known = holder(&rig, &claim).await;
    rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    rig.set_back(Millis::from_secs(3600));
    rig.fleet.alive().await.unwrap();
    rig.fleet.tick().await.unwrap();
    let standing = rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    assert_eq!(standing, Standing::Running);
}

#[tokio::test]
async fn a_start_that_is_killed_makes_no_stop_shorter() {
    let mut rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let claim = rig.claim().await.unwrap();
    let known = holder(&rig, &claim).await;
    rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    rig.fleet.alive().await.unwrap();
    rig.pass(Millis::from_secs(3600));
    // As far as a start gets that is killed at its first pipeline.
    rig.store.alive(Timestamp(0)).await.unwrap();
    rig.restart().await;
    rig.fleet.tick().await.unwrap();
    let standing = rig.fleet.heartbeat(&known, LEASE).await.unwrap();
    assert_eq!(standing, Standing::Running);
}

#[tokio::test]
async fn a_new_process_of_a_runner_frees_what_the_old_one_had() {
    let rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let claim = rig.claim().await.unwrap();
    let held = holder(&rig, &claim).await;
    rig.fleet.heartbeat(&held, LEASE).await.unwrap();
    assert_eq!(rig.fleet.manager_lost(rig.claimer.manager).await, Ok(1));
    assert_eq!(rig.claim().await.unwrap().attempt.attempt, 2);
    let end = rig.fleet.finish(&held, &end(None, 0)).await.unwrap();
    assert!(matches!(end, End::Over(_)), "{end:?}");
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_handed_out_again_at_nobodys_cost() {
    let mut rig = Rig::new().await;
    let id = rig.create("1", &[&["a", "b"]]).await;
    let manager = rig.claimer.manager;
    let kept = rig.claim().await.unwrap();
    // The coordinator is killed before its answer gets there, more often than lost runners are paid for.
    for attempt in 1..=5 {
        let claim = rig.claim().await.unwrap();
        assert_eq!(claim.attempt.attempt, attempt);
        rig.restart().await;
        let held = [kept.attempt.job].into();
        assert_eq!(rig.fleet.manager_holds(manager, held).await, Ok(1));
    }
    assert_eq!(
        statuses(&rig, id).await,
        [Status::Preparing, Status::Pending]
    );
    let claim = rig.claim().await.unwrap();
    let all = [kept.attempt.job, claim.attempt.job].into();
    assert_eq!(rig.fleet.manager_holds(manager, all).await, Ok(0));
    for claim in [kept, claim] {
        let holder = holder(&rig, &claim).await;
        let taken = rig.fleet.finish(&holder, &end(None, 0)).await.unwrap();
        assert_eq!(taken, End::Taken(Status::Success));
    }
}

#[tokio::test]
async fn the_late_end_of_a_lost_attempt_is_refused_although_an_earlier_one_was_reported() {
    let rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let claim = rig.claim().await.unwrap();
    let first = holder(&rig, &claim).await;
    let verdict = || Some(Verdict::new(VerdictKind::NodeLost, "gone"));
    let taken = rig.fleet.finish(&first, &end(verdict(), 0)).await.unwrap();
    assert_eq!(taken, End::Taken(Status::Pending), "it is tried again");
    // A repeat is heard as long as nobody else has the job.
    let again = rig.fleet.finish(&first, &end(verdict(), 0)).await.unwrap();
    assert_eq!(again, taken);
    let claim = rig.claim().await.unwrap();
    let second = holder(&rig, &claim).await;
    rig.fleet.heartbeat(&second, LEASE).await.unwrap();
    rig.fleet.manager_lost(rig.claimer.manager).await.unwrap();
    let late = rig.fleet.finish(&second, &end(None, 0)).await.unwrap();
    assert_eq!(late, End::Over(Status::Pending));
}

#[tokio::test]
async fn a_cancel_reaches_the_runner_and_a_forced_one_does_not_wait_for_it() {
    let rig = Rig::new().await;
    let id = rig.create("1", &[&["a", "b", "c"]]).await;
    let [a, b] = [rig.claim().await.unwrap(), rig.claim().await.unwrap()];
    let (first, second) = (holder(&rig, &a).await, holder(&rig, &b).await);
    for held in [&first, &second] {
        rig.fleet.heartbeat(held, LEASE).await.unwrap();
    }
    rig.fleet
        .cancel_pipeline(id, false, "enough")
        .await
        .unwrap();
    let standing = rig.fleet.heartbeat(&first, LEASE).await.unwrap();
    assert!(
        matches!(standing, Standing::Canceling { .. }),
        "{standing:?}"
    );
    let verdict = Verdict::new(VerdictKind::Canceled, "enough");
    let ended = rig
        .fleet
        .finish(&first, &end(Some(verdict), 0))
        .await
        .unwrap();
    assert_eq!(ended, End::Taken(Status::Canceled));
    rig.fleet
        .cancel_job(b.attempt.job, true, "now")
        .await
        .unwrap();
    let standing = rig.fleet.heartbeat(&second, LEASE).await.unwrap();
    assert_eq!(standing, Standing::Over(Status::Canceled));
    assert_eq!(statuses(&rig, id).await, [Status::Canceled; 3]);
    let again = rig.fleet.cancel_job(b.attempt.job, false, "again").await;
    assert_eq!(again, Err(FleetError::WrongState(Status::Canceled)));
}

#[tokio::test]
async fn a_second_cancel_does_not_wait_for_the_runner() {
    let rig = Rig::new().await;
    let id = rig.create("1", &[&["a", "b"]]).await;
    let [a, b] = [rig.claim().await.unwrap(), rig.claim().await.unwrap()];
    let (first, second) = (holder(&rig, &a).await, holder(&rig, &b).await);
    for held in [&first, &second] {
        rig.fleet.heartbeat(held, LEASE).await.unwrap();
    }
    let canceling = |standing| matches!(standing, Ok(Standing::Canceling { .. }));
    let cancel = |job| rig.fleet.cancel_job(job, false, "enough");
    cancel(a.attempt.job).await.unwrap();
    assert!(canceling(rig.fleet.heartbeat(&first, LEASE).await));
    // For b it is the first wish: it keeps its grace, and so does whatever was cancelled before it.
    rig.fleet.cancel_pipeline(id, false, "all").await.unwrap();
    for held in [&first, &second] {
        assert!(canceling(rig.fleet.heartbeat(held, LEASE).await));
    }
    // The branch that is gone as well is no person who has waited long enough.
    let gone = rig.fleet.cancel_ref(rig.project, "refs/heads/main", "gone");
    assert_eq!(gone.await, Ok(1));
    assert!(canceling(rig.fleet.heartbeat(&first, LEASE).await));
    cancel(a.attempt.job).await.unwrap();
    assert_eq!(
        statuses(&rig, id).await,
        [Status::Canceled, Status::Running]
    );
    rig.fleet.cancel_pipeline(id, false, "all").await.unwrap();
    let standing = rig.fleet.heartbeat(&second, LEASE).await;
    assert_eq!(standing, Ok(Standing::Over(Status::Canceled)));
    assert_eq!(statuses(&rig, id).await, [Status::Canceled; 2]);
}

#[tokio::test]
async fn pipelines_that_are_not_there_take_no_memory() {
    let rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    for id in (1000..1010).map(aqueduct_core::id::PipelineId) {
        let missing = Err(FleetError::NoPipeline(id));
        assert_eq!(rig.fleet.snapshot(id).await.map(|_| ()), missing);
        assert_eq!(rig.fleet.retry_pipeline(id).await, missing);
    }
    assert_eq!(rig.fleet.shared.places(), 1, "the one that is going on");
}

#[tokio::test]
async fn each_of_the_two_tokens_says_what_it_is_for() {
    let rig = Rig::new().await;
    rig.create("1", &[&["a"]]).await;
    let claim = rig.claim().await.unwrap();
    let read = rig.fleet.holder(&claim.read_token).unwrap();
    let report = rig.fleet.holder(&claim.report_token).unwrap();
    assert_eq!(
        (read.purpose, report.purpose),
        (TokenUse::Read, TokenUse::Report)
    );
    let value = |key: &str| {
        let mut all = claim.variables.iter();
        all.find(|variable| variable.key == key).unwrap().clone()
    };
    assert_eq!(value("CI_JOB_TOKEN").value, claim.read_token);
    assert!(value("CI_JOB_TOKEN").masked);
    assert_eq!(value("CI_JOB_ID").value, claim.attempt.job.to_string());
    let url = format!(
        "http://gitlab-ci-token:{}@ci.example.com/group/name.git",
        claim.read_token
    );
    assert_eq!(value("CI_REPOSITORY_URL").value, url);
    let all = format!("{:?}", claim.variables);
    assert!(!all.contains(&claim.report_token), "scripts never see it");
    let other = rig
        .fleet
        .holder_of(aqueduct_core::id::GlobalJobId(999), &claim.report_token);
    assert_eq!(other.await.unwrap(), None);
}

#[tokio::test]
async fn a_job_that_waits_says_why() {
    let rig = Rig::new().await;
    let mut plan = rig::plan(&[&["a"]]);
    plan.jobs[0].tags = vec!["gpu".into()];
    let request = crate::fleet::PipelineRequest {
        project: rig.project,
        cause: "1".into(),
        git_ref: "refs/heads/main".into(),
        sha: "a".repeat(40),
        before_sha: None,
        source: "push".into(),
        plan: Ok(plan.into()),
    };
    let id = rig.start(&request).await;
    assert!(rig.claim().await.is_none());
    let jobs = rig.fleet.snapshot(id).await.unwrap();
    match &jobs[0].1.waiting {
        Some(Waiting::Runner(why)) => assert!(why.contains("gpu"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pipeline_that_could_not_be_compiled_is_kept_with_what_is_wrong() {
    let rig = Rig::new().await;
    let request = crate::fleet::PipelineRequest {
        project: rig.project,
        cause: "1".into(),
        git_ref: "refs/heads/main".into(),
        sha: "a".repeat(40),
        before_sha: None,
        source: "push".into(),
        plan: Err("[]".into()),
    };
    let id = rig.start(&request).await;
    let row = rig.store.pipeline(id).await.unwrap().unwrap();
    assert_eq!(
        (row.head.status, row.diagnostics.as_deref()),
        (Status::Failed, Some("[]"))
    );
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn a_retry_is_a_new_attempt_and_brings_back_what_was_skipped() {
    let rig = Rig::new().await;
    let id = rig.create("1", &[&["a"], &["b"]]).await;
    let claim = rig.claim().await.unwrap();
    let first = holder(&rig, &claim).await;
    let failed = end(Some(Verdict::exit(1)), 0);
    rig.fleet.finish(&first, &failed).await.unwrap();
    assert_eq!(statuses(&rig, id).await, [Status::Failed, Status::Skipped]);
    let skipped = claim.attempt.job.at(1);
    let refused = rig.fleet.retry_job(skipped).await;
    assert_eq!(refused, Err(FleetError::WrongState(Status::Skipped)));
    rig.fleet.retry_pipeline(id).await.unwrap();
    assert_eq!(statuses(&rig, id).await, [Status::Pending, Status::Created]);
    let again = rig.claim().await.unwrap();
    assert_eq!(again.attempt.attempt, 2);
    let second = holder(&rig, &again).await;
    rig.fleet.finish(&second, &end(None, 0)).await.unwrap();
    assert_eq!(statuses(&rig, id).await, [Status::Success, Status::Pending]);
    rig.pass(Millis::from_secs(1));
    rig.fleet.retry_job(claim.attempt.job).await.unwrap();
    assert_eq!(rig.claim().await.unwrap().job.name, "b", "it waited longer");
    assert_eq!(rig.claim().await.unwrap().attempt.attempt, 3);
}

#[tokio::test]
async fn a_resource_group_is_for_one_job_of_the_project_at_a_time() {
    let mut rig = Rig::new().await;
    let deploy = |plan: &mut aqueduct_core::plan::Plan| {
        plan.jobs[0].resource_group = Some("production".into());
    };
    let mut ids = Vec::new();
    for cause in ["1", "2", "3"] {
        ids.push(rig.create_with(cause, &[&["deploy"]], deploy).await);
        rig.pass(Millis::from_secs(1));
    }
    let all = |rig: &Rig| rig.fleet.load_now();
    assert_eq!(all(&rig), (0, 0), "nobody has the group yet");
    for id in ids {
        assert_eq!(rig.fleet.grant_groups().await, Ok(1));
        assert_eq!(rig.fleet.grant_groups().await, Ok(0));
        let claim = rig.claim().await.unwrap();
        assert_eq!(claim.pipeline.id, id, "in the order they asked");
        assert!(rig.claim().await.is_none());
        rig.restart().await;
        assert_eq!(rig.fleet.grant_groups().await, Ok(0), "it is still held");
        let held = holder(&rig, &claim).await;
        rig.fleet.finish(&held, &end(None, 0)).await.unwrap();
    }
}

#[tokio::test]
async fn a_newer_commit_cancels_what_may_be_interrupted() {
    use aqueduct_core::plan::OnNewCommit;
    // What the file says, whether the job that was begun may be interrupted, and what becomes of it and of one that waits.
    let table = [
        (OnNewCommit::Conservative, false, (false, false)),
        (OnNewCommit::Conservative, true, (true, true)),
        (OnNewCommit::Interruptible, true, (true, false)),
        (OnNewCommit::None, true, (false, false)),
    ];
    for (on_new_commit, interruptible, (begun, waiting)) in table {
        let rig = Rig::new().await;
        let older = rig
            .create_with("1", &[&["begun", "waiting"]], |plan| {
                plan.pipeline.on_new_commit = on_new_commit;
                plan.jobs[0].interruptible = interruptible;
            })
            .await;
        let claim = rig.claim().await.unwrap();
        let held = holder(&rig, &claim).await;
        rig.fleet.heartbeat(&held, LEASE).await.unwrap();
        let newer = rig.create("2", &[&["a"]]).await;
        let superseded = rig.fleet.supersede(rig.project, "refs/heads/main", newer);
        let expected = usize::from(begun || waiting);
        assert_eq!(superseded.await, Ok(expected), "{on_new_commit:?}");
        let standing = rig.fleet.heartbeat(&held, LEASE).await.unwrap();
        let canceling = matches!(standing, Standing::Canceling { .. });
        assert_eq!(canceling, begun, "{on_new_commit:?}");
        let canceled = statuses(&rig, older).await[1] == Status::Canceled;
        assert_eq!(canceled, waiting, "{on_new_commit:?}");
    }
}
