//! Many at once: who is woken, what shares a commit, and callers that go away.

use std::{sync::Arc, time::Duration};

use aqueduct_core::{run::Status, sched::TagPolicy};
use aqueduct_ports::store::Pipelines as _;
use tokio::task::{JoinHandle, yield_now};

use super::{
    LEASE, holder,
    rig::{Rig, end},
};
use crate::fleet::{Claim, End};

/// Longer than any test waits for something that comes.
const LONG: Duration = Duration::from_mins(1);

fn waiting(rig: &Rig, tags: &[&str]) -> JoinHandle<Option<Claim>> {
    let (fleet, mut claimer) = (Arc::clone(&rig.fleet), rig.claimer.clone());
    let tags = tags.iter().map(|tag| (*tag).to_owned());
    claimer.offer.tags = TagPolicy::Only(tags.collect());
    tokio::spawn(async move { fleet.claim(&claimer, LONG).await.unwrap() })
}

async fn name(waits: JoinHandle<Option<Claim>>) -> String {
    waits.await.unwrap().unwrap().job.name
}

#[tokio::test]
async fn a_job_wakes_one_runner_that_may_have_it() {
    let rig = Rig::new().await;
    let other = waiting(&rig, &["gpu"]);
    let first = waiting(&rig, &["disk"]);
    let second = waiting(&rig, &["disk"]);
    yield_now().await;
    rig.create_with("1", &[&["a"]], |plan| {
        plan.jobs[0].tags = vec!["disk".into()];
    })
    .await;
    assert_eq!(name(first).await, "a");
    for waits in [other, second] {
        assert!(!waits.is_finished());
        waits.abort();
    }
}

#[tokio::test]
async fn what_a_woken_runner_leaves_goes_to_the_next() {
    let rig = Rig::new().await;
    let leaves = waiting(&rig, &[]);
    let takes = waiting(&rig, &[]);
    yield_now().await;
    // It is woken for the job, and its client is gone before it hears that.
    rig.create("1", &[&["a"]]).await;
    leaves.abort();
    assert_eq!(name(takes).await, "a");
}

#[tokio::test]
async fn every_job_finds_a_runner_though_each_may_take_another() {
    let rig = Rig::new().await;
    let waits = [
        waiting(&rig, &["x", "y"]),
        waiting(&rig, &["x"]),
        waiting(&rig, &["y"]),
    ];
    yield_now().await;
    rig.create_with("1", &[&["a", "b", "c"]], |plan| {
        plan.jobs[0].tags = vec!["y".into()];
        plan.jobs[1].tags = vec!["x".into()];
    })
    .await;
    for waits in waits {
        name(waits).await;
    }
    assert_eq!(rig.fleet.load_now(), (0, 3));
}

#[tokio::test]
async fn what_is_asked_during_a_commit_shares_the_next() {
    let rig = Rig::new().await;
    let names: Vec<String> = (0..40).map(|at| format!("job {at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let id = rig.create("1", &[&names]).await;
    let before = rig.store.pipeline(id).await.unwrap().unwrap().version;
    let claims: Vec<_> = names.iter().map(|_| waiting(&rig, &[])).collect();
    let mut jobs = Vec::new();
    for claim in claims {
        jobs.push(claim.await.unwrap().unwrap().attempt.job);
    }
    let after = rig.store.pipeline(id).await.unwrap().unwrap().version;
    assert!(
        after - before < 20,
        "{} commits for 40 jobs",
        after - before
    );
    jobs.sort();
    jobs.dedup();
    assert_eq!(jobs.len(), 40, "each job has one runner");
}

/// Whenever the connection of a runner is cut, what it reported is either stored, with all that follows from it, or not at all.
#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_half_known() {
    let rig = Rig::new().await;
    let mut stored = 0;
    for polls in 0..40 {
        let id = rig.create(&format!("{polls}"), &[&["a"], &["b"]]).await;
        let held = holder(&rig, &rig.claim().await.unwrap()).await;
        rig.fleet.heartbeat(&held, LEASE).await.unwrap();
        let fleet = Arc::clone(&rig.fleet);
        let reports = tokio::spawn(async move { fleet.finish(&held, &end(None, 0)).await });
        for _ in 0..polls {
            yield_now().await;
        }
        // The database works in threads of its own: give it time, or none.
        tokio::time::sleep(Duration::from_micros(polls * 20)).await;
        reports.abort();
        let _ = reports.await;
        let status = |at: usize| {
            let jobs = rig.store.jobs_of(id);
            async move { jobs.await.unwrap()[at].status }
        };
        if status(0).await == Status::Success {
            stored += 1;
        } else {
            let again = rig.fleet.finish(&held, &end(None, 0)).await.unwrap();
            assert_eq!(again, End::Taken(Status::Success));
        }
        let next = rig.fleet.claim(&rig.claimer, LONG).await.unwrap().unwrap();
        assert_eq!((next.pipeline.id, next.job.name.as_str()), (id, "b"));
        let next = holder(&rig, &next).await;
        rig.fleet.finish(&next, &end(None, 0)).await.unwrap();
        assert_eq!(status(1).await, Status::Success);
    }
    assert!(stored > 0, "every report was cut off before it was stored");
}
