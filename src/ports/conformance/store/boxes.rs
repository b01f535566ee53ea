//! Inbox and outbox.

use aqueduct_core::{
    id::{EffectId, EventId, ProjectId},
    run::Status,
};
use futures_util::future::join_all;

use super::samples::{
    NOW, assert_missing, change, delivery, effect, later, new_pipeline, pipeline, project,
};
use crate::store::{Put, Store};

/// Also if both come at the same time; source and project tell them apart.
pub async fn deliveries_come_in_once(store: &dyn Store) {
    let one = project(store, "group/one").await;
    let two = project(store, "group/two").await;
    let first = delivery(one, "7");
    let puts = join_all((0..4).map(|_| store.put_delivery(&first))).await;
    let stored = puts.iter().filter(|put| matches!(put, Ok(Put::Stored(_))));
    assert_eq!(stored.count(), 1, "{puts:?}");
    assert_eq!(store.put_delivery(&first).await, Ok(Put::Duplicate));
    let mut other = delivery(one, "7");
    "heads".clone_into(&mut other.source);
    for new in [&other, &delivery(two, "7"), &delivery(one, "8")] {
        let put = store.put_delivery(new).await.unwrap();
        assert!(matches!(put, Put::Stored(_)), "{new:?}");
    }
    let waiting = store.next_deliveries(NOW, 10).await.unwrap();
    assert_eq!(waiting.len(), 4);
    assert_eq!((&waiting[0].content, waiting[0].failures), (&first, 0));
    assert!(waiting.is_sorted_by_key(|delivery| delivery.id));
    assert_eq!(store.next_deliveries(NOW, 2).await.unwrap(), waiting[..2]);
}

/// A failed one comes again at its time, with the reason; others don't wait for it.
pub async fn deliveries_wait_for_their_turn(store: &dyn Store) {
    let project = project(store, "group/name").await;
    assert_eq!(store.next_delivery_at().await.unwrap(), None);
    for id in ["1", "2"] {
        store.put_delivery(&delivery(project, id)).await.unwrap();
    }
    assert_eq!(store.next_delivery_at().await.unwrap(), Some(NOW));
    let waiting = store.next_deliveries(NOW, 10).await.unwrap();
    let (first, second) = (waiting[0].id, waiting[1].id);
    store
        .delivery_failed(first, "no answer", later(500))
        .await
        .unwrap();
    let ids = |found: Vec<crate::store::Delivery>| -> Vec<EventId> {
        found.iter().map(|delivery| delivery.id).collect()
    };
    let due = store.next_deliveries(later(499), 10).await.unwrap();
    assert_eq!(ids(due), [second]);
    let due = store.next_deliveries(later(500), 10).await.unwrap();
    assert_eq!(
        (due[0].failures, due[0].error.as_deref()),
        (1, Some("no answer"))
    );
    assert_eq!(ids(due), [first, second]);
    store
        .delivery_done(second, "pipeline 1", later(1))
        .await
        .unwrap();
    assert_eq!(store.next_delivery_at().await.unwrap(), Some(later(500)));
    store
        .delivery_failed(second, "too late", later(2))
        .await
        .unwrap();
    let due = store.next_deliveries(later(900), 10).await.unwrap();
    assert_eq!(ids(due), [first], "what is done stays done");
}

/// A repeat of one that was handled long ago makes no second pipeline.
pub async fn done_deliveries_are_known_until_forgotten(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let new = delivery(project, "1");
    let Put::Stored(id) = store.put_delivery(&new).await.unwrap() else {
        panic!("it is new");
    };
    assert_eq!(store.forget_deliveries(later(900), 10).await, Ok(0));
    store
        .delivery_done(id, "pipeline 1", later(5))
        .await
        .unwrap();
    assert_eq!(store.put_delivery(&new).await, Ok(Put::Duplicate));
    assert_eq!(store.forget_deliveries(later(5), 10).await, Ok(0));
    assert_eq!(store.forget_deliveries(later(6), 10).await, Ok(1));
    assert!(matches!(store.put_delivery(&new).await, Ok(Put::Stored(_))));
}

/// One that is there.
pub async fn deliveries_need_a_project(store: &dyn Store) {
    assert_missing(&store.put_delivery(&delivery(ProjectId(77), "1")).await);
    let gone = project(store, "group/name").await;
    store.delete_project(gone, NOW).await.unwrap();
    assert_missing(&store.put_delivery(&delivery(gone, "1")).await);
}

/// And with the creation; in order, each until it is done.
pub async fn effects_come_with_the_commit(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let mut new = new_pipeline(project, "one", 1);
    new.effects = vec![effect("a", None), effect("b", None)];
    let made = store.create_pipeline(&new).await.unwrap();
    let mut next = change(made.id, 1, Status::Running);
    next.effects = vec![effect("c", None)];
    store.commit_pipeline(&next).await.unwrap();
    let due = store.due_effects(NOW, 10).await.unwrap();
    let kinds: Vec<_> = due.iter().map(|due| due.effect.kind.as_str()).collect();
    assert_eq!(kinds, ["a", "b", "c"]);
    assert_eq!((due[0].project, due[0].pipeline), (project, made.id));
    assert_eq!((&due[0].effect, due[0].failures), (&new.effects[0], 0));
    store.effect_done(due[0].id).await.unwrap();
    store.effect_done(due[0].id).await.unwrap();
    store.effect_done(EffectId(999)).await.unwrap();
    assert_eq!(store.due_effects(NOW, 10).await.unwrap(), due[1..]);
    assert_eq!(store.due_effects(NOW, 1).await.unwrap(), due[1..2]);
}

/// Only the last state of a subject is told, whatever became of the earlier ones.
pub async fn effects_of_a_subject_replace_each_other(store: &dyn Store) {
    let made = pipeline(store, 1).await;
    let mut next = change(made.id, 1, Status::Running);
    next.effects = vec![
        effect("running", Some("status/1")),
        effect("other", Some("status/2")),
        effect("mail", None),
        effect("mail", None),
    ];
    store.commit_pipeline(&next).await.unwrap();
    let before = store.due_effects(NOW, 10).await.unwrap();
    assert_eq!(before.len(), 4);
    let mut next = change(made.id, 2, Status::Success);
    next.effects = vec![effect("success", Some("status/1"))];
    store.commit_pipeline(&next).await.unwrap();
    // Whoever was busy with the replaced one changes nothing of the new one.
    store
        .effect_failed(before[0].id, "timeout", later(99))
        .await
        .unwrap();
    store.effect_done(before[0].id).await.unwrap();
    let after = store.due_effects(NOW, 10).await.unwrap();
    let kinds: Vec<_> = after.iter().map(|due| due.effect.kind.as_str()).collect();
    assert_eq!(kinds, ["other", "mail", "mail", "success"]);
}

/// From the start, or after a failure.
pub async fn effects_wait_for_their_turn(store: &dyn Store) {
    let made = pipeline(store, 1).await;
    assert_eq!(store.next_effect_at().await.unwrap(), None);
    let mut next = change(made.id, 1, Status::Running);
    let mut delayed = effect("stop", None);
    delayed.due = later(1000);
    next.effects = vec![delayed, effect("now", None)];
    store.commit_pipeline(&next).await.unwrap();
    assert_eq!(store.next_effect_at().await.unwrap(), Some(NOW));
    let due = store.due_effects(later(999), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    store
        .effect_failed(due[0].id, "no route", later(2000))
        .await
        .unwrap();
    assert_eq!(store.next_effect_at().await.unwrap(), Some(later(1000)));
    let due = store.due_effects(later(2000), 10).await.unwrap();
    assert_eq!((due.len(), due[1].failures), (2, 1));
    assert_eq!(due[1].error.as_deref(), Some("no route"));
}
