//! Projects.

use aqueduct_core::{id::ProjectId, run::Status, time::Millis};

use super::samples::{
    NOW, assert_conflict, assert_taken, change, delivery, later, new_pipeline, new_project, project,
};
use crate::store::{HeadChange, HeadMove, Observation, Store};

/// What was stored comes back, by id and by path, and lists are in the order of the paths' bytes.
pub async fn projects_are_found_by_id_and_path(store: &dyn Store) {
    let mut new = new_project("Zeta/one");
    new.default_branch = Some("trunk".to_owned());
    let zeta = store.create_project(&new).await.unwrap();
    assert_eq!((zeta.version, zeta.path.as_str()), (1, "Zeta/one"));
    assert_eq!(zeta.interval, Millis::from_secs(60));
    assert_eq!(zeta.default_branch.as_deref(), Some("trunk"));
    let small = store
        .create_project(&new_project("alpha/two"))
        .await
        .unwrap();
    let found = store.project(zeta.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&zeta));
    let found = store.project_by_path("alpha/two").await.unwrap();
    assert_eq!(found.as_ref(), Some(&small));
    assert_eq!(store.project_by_path("ALPHA/two").await.unwrap(), None);
    assert_eq!(store.project(ProjectId(99)).await.unwrap(), None);
    assert_eq!(store.project(ProjectId(u64::MAX)).await.unwrap(), None);
    assert_eq!(store.projects().await.unwrap(), [zeta, small]);
}

/// Also when a project is renamed to a path in use.
pub async fn a_path_belongs_to_one_project(store: &dyn Store) {
    project(store, "group/a").await;
    assert_taken(&store.create_project(&new_project("group/a")).await);
    let mut second = store.create_project(&new_project("group/b")).await.unwrap();
    "group/a".clone_into(&mut second.path);
    assert_taken(&store.update_project(&second).await);
    assert_eq!(store.projects().await.unwrap().len(), 2);
}

/// Of two that change what they both read, the second learns that it is late.
pub async fn an_update_from_an_old_version_conflicts(store: &dyn Store) {
    let before = store.create_project(&new_project("group/a")).await.unwrap();
    let mut mine = before.clone();
    mine.default_branch = Some("main".to_owned());
    "{\"a\":1}".clone_into(&mut mine.settings);
    assert_eq!(store.update_project(&mine).await.unwrap(), 2);
    assert_conflict(&store.update_project(&before).await);
    mine.version = 2;
    assert_eq!(store.project(before.id).await.unwrap(), Some(mine));
}

/// And is on no list; its heads and waiting deliveries go with it.
pub async fn a_deleted_project_frees_its_path(store: &dyn Store) {
    let first = project(store, "group/a").await;
    let observation = Observation {
        changes: vec![HeadChange {
            name: "refs/heads/main".to_owned(),
            from: None,
            to: HeadMove::At("aa".to_owned()),
        }],
        deliveries: vec![delivery(first, "1")],
        now: NOW,
    };
    store.observe_heads(first, &observation).await.unwrap();
    assert!(store.delete_project(first, later(1)).await.unwrap());
    assert!(!store.delete_project(first, later(2)).await.unwrap());
    assert_eq!(store.project(first).await.unwrap(), None);
    assert!(store.projects().await.unwrap().is_empty());
    assert!(store.heads(first).await.unwrap().is_empty());
    assert!(
        store
            .next_deliveries(later(5), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let second = project(store, "group/a").await;
    assert_ne!(first, second, "an id is never given again");
}

/// Its pipelines are ended first, and stay readable when it is gone.
pub async fn a_project_with_an_active_pipeline_stays(store: &dyn Store) {
    let id = project(store, "group/a").await;
    let new = new_pipeline(id, "one", 1);
    let made = store.create_pipeline(&new).await.unwrap();
    assert_conflict(&store.delete_project(id, later(1)).await);
    let end = change(made.id, 1, Status::Success);
    store.commit_pipeline(&end).await.unwrap();
    assert!(store.delete_project(id, later(2)).await.unwrap());
    assert!(store.pipeline(made.id).await.unwrap().is_some());
}
