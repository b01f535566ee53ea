//! The loops themselves, in real time.

use std::{sync::Arc, time::Duration};

use aqueduct_core::{id::ProjectId, time::Millis};
use aqueduct_ports::{
    clock::Clock as _,
    store::{NewDelivery, Project},
};
use tokio::time::{Instant, sleep};

use super::{CONFIG, Rig};

/// Waits until so many pipelines are there.
async fn until(rig: &Rig, pipelines: usize) {
    let began = Instant::now();
    while rig.pipelines().await.len() < pipelines {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            rig.heads.states()
        );
        sleep(Duration::from_millis(10)).await;
    }
}

fn started(rig: &Rig) {
    tokio::spawn(Arc::clone(&rig.heads).run());
    tokio::spawn(Arc::clone(&rig.ingest).run());
}

async fn watched(rig: &Rig, interval: Millis) -> Project {
    let url = rig.origin.path().to_string_lossy().into_owned();
    rig.project_at("group/app", &url, interval).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_are_noticed_without_a_word() {
    let rig = Rig::new().await;
    let project = watched(&rig, Millis(200)).await;
    started(&rig);
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    until(&rig, 1).await;
    rig.push("a", "1", "refs/heads/topic");
    until(&rig, 2).await;
    assert_eq!(rig.heads.states()[&project.id].error, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_makes_it_sooner() {
    let rig = Rig::new().await;
    let project = watched(&rig, Millis::from_secs(3600)).await;
    started(&rig);
    while rig.heads.states().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    rig.hints.hint(project.id);
    until(&rig, 1).await;
    rig.hints.hint(ProjectId(999));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_webhook_has_the_repository_looked_at_after_a_restart() {
    let rig = Rig::new().await;
    let project = watched(&rig, Millis::from_secs(3600)).await;
    let hook = NewDelivery {
        project: project.id,
        source: "gitea".into(),
        delivery: "1".into(),
        kind: "hint".into(),
        // What it claims makes no pipeline by itself.
        body: r#"{"ref": "refs/heads/none", "before": null, "after": "1111"}"#.into(),
        received: rig.clock.now(),
    };
    rig.store.put_delivery(&hook).await.unwrap();
    tokio::spawn(Arc::clone(&rig.heads).run());
    while rig.heads.states().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    tokio::spawn(Arc::clone(&rig.ingest).run());
    until(&rig, 1).await;
    assert_eq!(rig.pipelines().await[0].git_ref, "refs/heads/main");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_project_that_fails_holds_up_no_other() {
    let rig = Rig::new().await;
    let none = rig.dir.path().join("none.git");
    let none = rig
        .project_at("a/none", &none.to_string_lossy(), Millis(200))
        .await
        .id;
    let bad = rig
        .project_at("a/bad", "ext::sh -c true", Millis(200))
        .await
        .id;
    watched(&rig, Millis(200)).await;
    started(&rig);
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    until(&rig, 1).await;
    for project in [none, bad] {
        let state = &rig.heads.states()[&project];
        assert!(state.failures > 0 && state.error.is_some() && state.answered.is_none());
    }
}
