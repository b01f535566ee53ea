//! What is kept for how long.

use std::sync::Arc;

use aqueduct_core::run::Status;
use aqueduct_core::time::Millis;
use aqueduct_ports::{
    clock::Clock,
    store::{PipelineChange, PipelineHead, PipelineRow, StoreError},
};

use super::{CONFIG, Rig};
use crate::tasks::sources::{SourceKeeper, SourcesConfig};

fn keeper(rig: &Rig) -> SourceKeeper {
    SourceKeeper::new(
        Arc::clone(&rig.store),
        Arc::clone(&rig.mirrors),
        Arc::clone(&rig.clock) as Arc<dyn Clock>,
        SourcesConfig {
            keep: Millis(1000),
            ..SourcesConfig::default()
        },
    )
}

async fn ended(rig: &Rig, row: &PipelineRow) -> Result<u64, StoreError> {
    let change = PipelineChange {
        id: row.id,
        expected_version: row.version,
        head: PipelineHead {
            status: Status::Success,
            active: false,
            state: "{}".into(),
            started: None,
            finished: Some(rig.clock.now()),
        },
        jobs: Vec::new(),
        effects: Vec::new(),
        now: rig.clock.now(),
    };
    rig.store.commit_pipeline(&change).await
}

#[tokio::test]
async fn commits_are_kept_until_their_pipelines_are_long_over() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    rig.look(project).await;
    rig.push("a", "1", "refs/heads/main");
    rig.look(project).await;
    rig.ingest.drain().await.unwrap();
    let rows = rig.pipelines().await;
    ended(&rig, &rows[0]).await.unwrap();
    let keeper = keeper(&rig);
    keeper.round(true).await.unwrap();
    assert_eq!(rig.mirrors.kept(project).await.unwrap().len(), 2);
    rig.pass(Millis(1001));
    keeper.round(false).await.unwrap();
    assert_eq!(rig.mirrors.kept(project).await.unwrap(), [rows[1].id]);
    ended(&rig, &rows[1]).await.unwrap();
    rig.store
        .delete_project(project, rig.clock.now())
        .await
        .unwrap();
    keeper.round(false).await.unwrap();
    assert_eq!(rig.mirrors.projects().await.unwrap(), []);
}

#[tokio::test]
async fn what_active_pipelines_lost_is_kept_again() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    rig.look(project).await;
    rig.ingest.drain().await.unwrap();
    let id = rig.pipelines().await[0].id;
    let keeper = keeper(&rig);
    rig.mirrors.release(project, &[id]).await.unwrap();
    keeper.restore().await.unwrap();
    assert_eq!(rig.mirrors.kept(project).await.unwrap(), [id]);
    rig.mirrors.remove(project).await.unwrap();
    keeper.restore().await.unwrap();
    assert_eq!(rig.mirrors.kept(project).await.unwrap(), [id]);
    // A remote that is away keeps nobody from starting.
    rig.mirrors.remove(project).await.unwrap();
    std::fs::remove_dir_all(rig.origin.path()).unwrap();
    keeper.restore().await.unwrap();
}
