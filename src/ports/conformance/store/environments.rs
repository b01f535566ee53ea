//! Environments.

use aqueduct_core::id::{GlobalJobId, ProjectId};

use super::samples::{NOW, assert_conflict, assert_missing, assert_taken, later, project};
use crate::store::{Environment, EnvironmentState, Store};

fn environment(project: ProjectId, name: &str) -> Environment {
    Environment {
        project,
        name: name.to_owned(),
        version: 0,
        slug: name.replace('/', "-"),
        tier: "development".to_owned(),
        state: EnvironmentState::Available,
        url: None,
        git_ref: "refs/heads/main".to_owned(),
        generation: None,
        deployed_by: None,
        on_stop: None,
        stops_at: None,
        updated: NOW,
    }
}

/// Every field; the same name in another project is another one.
pub async fn environments_are_kept_by_name(store: &dyn Store) {
    let one = project(store, "group/one").await;
    let two = project(store, "group/two").await;
    let mut full = environment(one, "review/b");
    full.url = Some("https://b.example.com".to_owned());
    full.generation = Some(7);
    full.deployed_by = Some(GlobalJobId(3));
    full.on_stop = Some(GlobalJobId(4));
    full.stops_at = Some(later(5));
    for new in [&full, &environment(one, "a"), &environment(two, "a")] {
        assert_eq!(store.save_environment(new).await, Ok(1));
    }
    full.version = 1;
    let found = store.environment(one, "review/b").await.unwrap();
    assert_eq!(found.as_ref(), Some(&full));
    let all = store.environments(one).await.unwrap();
    let names: Vec<_> = all.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["a", "review/b"]);
    assert_eq!(store.environment(two, "review/b").await.unwrap(), None);
    let nowhere = environment(ProjectId(77), "a");
    assert_missing(&store.save_environment(&nowhere).await);
    let mut same_slug = environment(one, "review-b");
    same_slug.slug.clone_from(&full.slug);
    assert_taken(&store.save_environment(&same_slug).await);
}

/// A deployment and a stop that meet: the second learns that it is late.
pub async fn environments_change_from_their_version(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let mut here = environment(project, "a");
    store.save_environment(&here).await.unwrap();
    assert_conflict(&store.save_environment(&here).await);
    here.version = 1;
    here.state = EnvironmentState::Stopping;
    assert_eq!(store.save_environment(&here).await, Ok(2));
    assert_conflict(&store.save_environment(&here).await);
    here.version = 2;
    here.state = EnvironmentState::Stopped;
    assert_eq!(store.save_environment(&here).await, Ok(3));
    assert!(!store.delete_environment(project, "a", 2).await.unwrap());
    assert!(store.delete_environment(project, "a", 3).await.unwrap());
    assert_eq!(store.environment(project, "a").await.unwrap(), None);
    assert_conflict(&store.save_environment(&here).await);
}

/// Those that still run, the earliest first.
pub async fn environments_stop_at_their_time(store: &dyn Store) {
    let project = project(store, "group/name").await;
    for (name, stops_at, state) in [
        ("late", Some(later(20)), EnvironmentState::Available),
        ("early", Some(later(10)), EnvironmentState::Available),
        ("never", None, EnvironmentState::Available),
        ("stopped", Some(later(10)), EnvironmentState::Stopped),
    ] {
        let mut new = environment(project, name);
        (new.stops_at, new.state) = (stops_at, state);
        store.save_environment(&new).await.unwrap();
    }
    for (now, limit, expected) in [
        (later(9), 9, &[][..]),
        (later(10), 9, &["early"]),
        (later(20), 9, &["early", "late"]),
        (later(20), 1, &["early"]),
    ] {
        let due = store.environments_to_stop(now, limit).await.unwrap();
        let names: Vec<_> = due.iter().map(|due| due.name.as_str()).collect();
        assert_eq!(names, expected);
    }
}
