//! Heads.

use aqueduct_core::id::ProjectId;

use super::samples::{NOW, assert_conflict, assert_missing, delivery, later, project};
use crate::store::{HeadChange, HeadMove, Observation, Store};

const MAIN: &str = "refs/heads/main";

fn at(name: &str, from: Option<&str>, to: &str) -> HeadChange {
    HeadChange {
        name: name.to_owned(),
        from: from.map(str::to_owned),
        to: HeadMove::At(to.to_owned()),
    }
}

fn to(name: &str, from: &str, to: HeadMove) -> HeadChange {
    HeadChange {
        name: name.to_owned(),
        from: Some(from.to_owned()),
        to,
    }
}

fn seen(changes: Vec<HeadChange>) -> Observation {
    Observation {
        changes,
        deliveries: Vec::new(),
        now: NOW,
    }
}

/// The new head and the event it means are there together, and known events are passed over.
pub async fn heads_and_deliveries_are_one(store: &dyn Store) {
    let id = project(store, "group/name").await;
    let mut first = seen(vec![
        at("refs/heads/b", None, "b1"),
        at("refs/heads/a", None, "a1"),
    ]);
    first.deliveries = vec![delivery(id, "b"), delivery(id, "a")];
    assert_eq!(store.observe_heads(id, &first).await, Ok(2));
    let heads = store.heads(id).await.unwrap();
    let named: Vec<_> = heads
        .iter()
        .map(|head| (head.name.as_str(), head.sha.as_str()))
        .collect();
    assert_eq!(named, [("refs/heads/a", "a1"), ("refs/heads/b", "b1")]);
    assert_eq!((heads[0].missing_since, heads[0].updated), (None, NOW));
    assert_eq!(store.next_deliveries(NOW, 10).await.unwrap().len(), 2);
    let mut second = seen(vec![at("refs/heads/a", Some("a1"), "a2")]);
    second.deliveries = vec![delivery(id, "a"), delivery(id, "a2")];
    assert_eq!(store.observe_heads(id, &second).await, Ok(1));
    let head = store.head(id, "refs/heads/a").await.unwrap().unwrap();
    assert_eq!(
        (head.sha.as_str(), head.generation),
        ("a2", heads[0].generation)
    );
    assert_eq!(store.head(id, "refs/heads/none").await.unwrap(), None);
    assert!(store.heads(ProjectId(77)).await.unwrap().is_empty());
}

/// If one isn't where the observation began, none is moved and nothing comes in.
pub async fn heads_conflict_as_a_whole(store: &dyn Store) {
    let id = project(store, "group/name").await;
    store
        .observe_heads(id, &seen(vec![at(MAIN, None, "1")]))
        .await
        .unwrap();
    let before = store.heads(id).await.unwrap();
    let wrong = [
        at(MAIN, None, "2"),
        at(MAIN, Some("0"), "2"),
        at("refs/heads/x", Some("1"), "2"),
        to(MAIN, "0", HeadMove::Deleted),
        to(MAIN, "0", HeadMove::Missing),
        to("refs/heads/x", "1", HeadMove::Back),
    ];
    for change in wrong {
        let mut observation = seen(vec![at("refs/heads/new", None, "9"), change]);
        observation.deliveries = vec![delivery(id, "9")];
        assert_conflict(&store.observe_heads(id, &observation).await);
    }
    assert_eq!(store.heads(id).await.unwrap(), before);
    assert!(store.next_deliveries(NOW, 10).await.unwrap().is_empty());
    let nowhere = seen(vec![at(MAIN, None, "1")]);
    assert_missing(&store.observe_heads(ProjectId(77), &nowhere).await);
}

/// The first time it was missing counts; a push ends it too.
pub async fn heads_go_missing_and_come_back(store: &dyn Store) {
    let id = project(store, "group/name").await;
    store
        .observe_heads(id, &seen(vec![at(MAIN, None, "1")]))
        .await
        .unwrap();
    let steps = [
        (HeadMove::Missing, later(10), Some(later(10))),
        (HeadMove::Missing, later(20), Some(later(10))),
        (HeadMove::Back, later(30), None),
        (HeadMove::Missing, later(40), Some(later(40))),
        (HeadMove::At("1".to_owned()), later(50), None),
    ];
    for (step, now, missing_since) in steps {
        let mut observation = seen(vec![to(MAIN, "1", step)]);
        observation.now = now;
        store.observe_heads(id, &observation).await.unwrap();
        let head = store.head(id, MAIN).await.unwrap().unwrap();
        assert_eq!((head.missing_since, head.updated), (missing_since, now));
    }
}

/// So that what belonged to the deleted one isn't taken for the new one's.
pub async fn a_recreated_ref_is_another_generation(store: &dyn Store) {
    let id = project(store, "group/name").await;
    store
        .observe_heads(id, &seen(vec![at(MAIN, None, "1")]))
        .await
        .unwrap();
    let before = store.head(id, MAIN).await.unwrap().unwrap();
    let gone = seen(vec![to(MAIN, "1", HeadMove::Deleted)]);
    store.observe_heads(id, &gone).await.unwrap();
    assert_eq!(store.head(id, MAIN).await.unwrap(), None);
    store
        .observe_heads(id, &seen(vec![at(MAIN, None, "1")]))
        .await
        .unwrap();
    let after = store.head(id, MAIN).await.unwrap().unwrap();
    assert!(after.generation > before.generation, "{before:?} {after:?}");
}

/// The first look at a large repository.
pub async fn thousands_of_heads_at_once(store: &dyn Store) {
    let id = project(store, "group/name").await;
    let name = |number: u32| format!("refs/heads/feature/{number:05}");
    let mut observation = seen(
        (0..5000)
            .map(|number| at(&name(number), None, "1"))
            .collect(),
    );
    observation.deliveries = (0..5000)
        .map(|number| delivery(id, &name(number)))
        .collect();
    assert_eq!(store.observe_heads(id, &observation).await, Ok(5000));
    let heads = store.heads(id).await.unwrap();
    assert_eq!((heads.len(), &heads[4999].name), (5000, &name(4999)));
}
