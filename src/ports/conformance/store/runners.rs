//! Runners.

use aqueduct_core::{
    id::{ProjectId, RunnerId},
    time::Millis,
    token::TokenHash,
};

use futures_util::future::join_all;

use super::samples::{
    NOW, assert_missing, assert_taken, later, new_runner, project, runner, settings, sighting,
};
use crate::store::{AccessLevel, Manager, RegistrationToken, RunnerKind, Store};

/// What was stored comes back, for all projects or one.
pub async fn runners_are_found_by_token(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let first = store.create_runner(&new_runner("one")).await.unwrap();
    assert_eq!(
        (first.kind, &first.settings),
        (RunnerKind::Instance, &settings())
    );
    let mut new = new_runner("two");
    new.kind = RunnerKind::Project(project);
    new.settings.access_level = AccessLevel::RefProtected;
    new.settings.maximum_timeout = None;
    new.settings.tags = Vec::new();
    let second = store.create_runner(&new).await.unwrap();
    assert_eq!((second.kind, &second.settings), (new.kind, &new.settings));
    for (token, expected) in [("one", Some(&first)), ("two", Some(&second)), ("ONE", None)] {
        let found = store.runner_by_token(&TokenHash::of(token)).await.unwrap();
        assert_eq!(found.as_ref(), expected, "{token}");
    }
    assert_eq!(store.runner(first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.runners().await.unwrap(), [first, second]);
    assert_taken(&store.create_runner(&new_runner("one")).await);
    new.token = TokenHash::of("three");
    new.kind = RunnerKind::Project(ProjectId(77));
    assert_missing(&store.create_runner(&new).await);
}

/// Settings are replaced; its managers go with it.
pub async fn runners_change_and_go(store: &dyn Store) {
    let id = runner(store, "one").await;
    let mut changed = settings();
    changed.paused = true;
    changed.tags = vec!["other".to_owned()];
    assert!(store.update_runner(id, &changed).await.unwrap());
    let stored = store.runner(id).await.unwrap().unwrap();
    assert_eq!((stored.settings, stored.created), (changed.clone(), NOW));
    let seen = store.seen_manager(&sighting(id, "s_1", "a")).await.unwrap();
    assert!(store.delete_runner(id).await.unwrap());
    assert!(!store.delete_runner(id).await.unwrap());
    assert!(!store.update_runner(id, &changed).await.unwrap());
    assert_eq!(store.manager(seen.manager).await.unwrap(), None);
    assert_missing(&store.seen_manager(&sighting(id, "s_1", "a")).await);
}

/// And the new one opens the same runner.
pub async fn a_reset_token_opens_nothing(store: &dyn Store) {
    let id = runner(store, "old").await;
    runner(store, "other").await;
    let new = TokenHash::of("new");
    assert!(store.reset_runner_token(id, &new).await.unwrap());
    let old = store.runner_by_token(&TokenHash::of("old")).await.unwrap();
    assert_eq!(old, None);
    let found = store.runner_by_token(&new).await.unwrap();
    assert_eq!(found.map(|runner| runner.id), Some(id));
    assert_taken(&store.reset_runner_token(id, &TokenHash::of("other")).await);
    assert!(
        !store
            .reset_runner_token(RunnerId(99), &TokenHash::of("x"))
            .await
            .unwrap()
    );
}

/// By runner and system id; old runners send an empty one.
pub async fn managers_are_told_apart(store: &dyn Store) {
    let (one, two) = (runner(store, "one").await, runner(store, "two").await);
    let mut ids = Vec::new();
    for (runner, system_id) in [(one, "s_1"), (one, ""), (two, "s_1"), (one, "s_1")] {
        let seen = store.seen_manager(&sighting(runner, system_id, "a")).await;
        ids.push(seen.unwrap().manager);
    }
    assert_eq!(ids[0], ids[3]);
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
    let managers = store.managers(one).await.unwrap();
    let named: Vec<_> = managers
        .iter()
        .map(|manager| manager.system_id.as_str())
        .collect();
    assert_eq!(named, ["s_1", ""]);
    assert!(store.delete_manager(one, "s_1").await.unwrap());
    assert!(!store.delete_manager(one, "s_1").await.unwrap());
    assert_eq!(store.managers(one).await.unwrap().len(), 1);
    assert_eq!(store.managers(two).await.unwrap().len(), 1);
}

/// Also if it comes at once with others, and only by a call that says an instance.
pub async fn a_new_instance_is_told_once(store: &dyn Store) {
    let id = runner(store, "one").await;
    let mut call = sighting(id, "s_1", "a");
    let first = store.seen_manager(&call).await.unwrap();
    assert_eq!(first.replaced, None);
    call.instance = None;
    call.info = None;
    assert_eq!(store.seen_manager(&call).await.unwrap().replaced, None);
    call.instance = Some("b".to_owned());
    let answers = tokio::join!(store.seen_manager(&call), store.seen_manager(&call));
    let mut told = [answers.0.unwrap().replaced, answers.1.unwrap().replaced];
    told.sort();
    assert_eq!(told, [None, Some("a".to_owned())]);
    let manager = store.manager(first.manager).await.unwrap().unwrap();
    assert_eq!(manager.instance.as_deref(), Some("b"));
    assert_eq!(manager.info.as_deref(), Some("{\"version\":\"1\"}"));
}

/// Each machine has its row, and two first calls of one machine make one.
pub async fn managers_come_all_at_once(store: &dyn Store) {
    let id = runner(store, "one").await;
    let calls: Vec<_> = (0..40)
        .map(|call| sighting(id, &format!("s_{}", call % 20), "a"))
        .collect();
    let seen = join_all(calls.iter().map(|call| store.seen_manager(call))).await;
    let seen: Vec<_> = seen.into_iter().map(Result::unwrap).collect();
    let managers = store.managers(id).await.unwrap();
    assert_eq!(managers.len(), 20);
    for (call, seen) in calls.iter().zip(seen) {
        let manager = managers.iter().find(|manager| manager.id == seen.manager);
        assert_eq!(manager.unwrap().system_id, call.system_id);
        assert_eq!(seen.replaced, None);
    }
    let nobody = sighting(RunnerId(999), "s_1", "a");
    assert_missing(&store.seen_manager(&nobody).await);
}

/// The time of contact moves in steps; news is written at once; the clock may step back.
pub async fn polling_writes_seldom(store: &dyn Store) {
    let id = runner(store, "one").await;
    let mut call = sighting(id, "s_1", "a");
    let manager = store.seen_manager(&call).await.unwrap().manager;
    let step = Manager::CONTACT_GRAIN;
    let table = [
        (NOW + Millis(step.0 / 2), None, NOW),
        (NOW + step, None, NOW + step),
        (NOW, None, NOW + step),
        (
            NOW + step + Millis(1),
            Some("{\"version\":\"2\"}"),
            NOW + step + Millis(1),
        ),
    ];
    for (now, info, contacted) in table {
        call.now = now;
        call.info = info.map(str::to_owned).or(call.info);
        store.seen_manager(&call).await.unwrap();
        let stored = store.manager(manager).await.unwrap().unwrap();
        assert_eq!((stored.contacted, &stored.info), (contacted, &call.info));
        assert_eq!(stored.created, NOW);
    }
}

/// Each with whose jobs its runners take.
pub async fn registration_tokens_come_and_go(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let token = |text: &str, kind, created| RegistrationToken {
        token: TokenHash::of(text),
        kind,
        description: text.to_owned(),
        created,
    };
    let late = token("a", RunnerKind::Instance, later(1));
    let early = token("b", RunnerKind::Project(project), NOW);
    for new in [&late, &early] {
        store.create_registration_token(new).await.unwrap();
    }
    assert_taken(&store.create_registration_token(&late).await);
    let found = store.registration_token(&early.token).await.unwrap();
    assert_eq!(found.as_ref(), Some(&early));
    let all = store.registration_tokens().await.unwrap();
    assert_eq!(all, [early.clone(), late.clone()]);
    assert!(store.delete_registration_token(&early.token).await.unwrap());
    assert!(!store.delete_registration_token(&early.token).await.unwrap());
    assert_eq!(store.registration_tokens().await.unwrap(), [late]);
}
