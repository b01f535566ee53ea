//! Texts and bytes that somebody else chose.

use aqueduct_core::run::Status;
use bytes::Bytes;

use super::samples::{
    NOW, attempt, change, delivery, effect, job_change, later, new_pipeline, new_project, pipeline,
    project, settings,
};
use crate::store::{NAME_LIMIT, Store, StoreError, TracePlace};

const HOSTILE: [&str; 8] = [
    "'; DROP TABLE jobs; --",
    "$1 ? %s \\ \" `",
    "ünïcödé \u{1F6A2} \u{202e}rtl",
    "line\nfeed\r\ttab",
    "\u{1b}[31mred\u{7f}",
    "",
    " ",
    "\u{fffd}\u{feff}",
];

/// Names, refs, causes and JSON, whatever stands in them.
pub async fn texts_are_kept_as_they_are(store: &dyn Store) {
    for text in HOSTILE {
        let mut new = new_project(text);
        new.git_url = text.to_owned();
        new.default_branch = Some(text.to_owned());
        new.settings = text.to_owned();
        let project = store.create_project(&new).await.unwrap();
        let stored = store.project_by_path(text).await.unwrap().unwrap();
        assert_eq!(
            (&stored.git_url, &stored.settings),
            (&new.git_url, &new.settings)
        );
        assert_eq!(stored.default_branch, new.default_branch);
        let mut pipeline = new_pipeline(project.id, text, 1);
        pipeline.git_ref = text.to_owned();
        text.clone_into(&mut pipeline.jobs[0].name);
        pipeline.plan = Some(text.to_owned());
        pipeline.effects = vec![effect(text, Some(text))];
        let made = store.create_pipeline(&pipeline).await.unwrap();
        let loaded = store.load_pipeline(made.id).await.unwrap().unwrap();
        assert_eq!(
            (loaded.row.git_ref.as_str(), loaded.row.cause.as_str()),
            (text, text)
        );
        assert_eq!(
            (loaded.jobs[0].name.as_str(), loaded.plan.as_deref()),
            (text, Some(text))
        );
        assert!(!store.create_pipeline(&pipeline).await.unwrap().fresh);
        store
            .put_delivery(&delivery(project.id, text))
            .await
            .unwrap();
    }
    let mut tagged = super::samples::new_runner("one");
    tagged.settings.tags = vec![
        "a b".to_owned(),
        "ü".to_owned(),
        "a,b".to_owned(),
        String::new(),
    ];
    let runner = store.create_runner(&tagged).await.unwrap();
    assert_eq!(runner.settings.tags, tagged.settings.tags);
    assert!(store.update_runner(runner.id, &settings()).await.unwrap());
    let due = store.due_effects(later(1), 99).await.unwrap();
    let kinds: Vec<_> = due.iter().map(|due| due.effect.kind.as_str()).collect();
    assert_eq!(kinds, HOSTILE);
}

/// In texts; bytes keep it.
pub async fn nul_becomes_a_replacement(store: &dyn Store) {
    let id = project(store, "group/name").await;
    let mut new = new_pipeline(id, "a\0b", 1);
    "\0".clone_into(&mut new.jobs[0].name);
    let made = store.create_pipeline(&new).await.unwrap();
    let loaded = store.load_pipeline(made.id).await.unwrap().unwrap();
    assert_eq!(loaded.row.cause, "a\u{fffd}b");
    assert_eq!(loaded.jobs[0].name, "\u{fffd}");
    assert!(!store.create_pipeline(&new).await.unwrap().fresh);
    let mut came = delivery(id, "1");
    came.body = Bytes::from_static(b"\0\xff\xfe");
    store.put_delivery(&came).await.unwrap();
    let stored = store.next_deliveries(NOW, 1).await.unwrap();
    assert_eq!(stored[0].content, came);
}

/// In bytes, the same for all; one at the limit is found again.
pub async fn names_have_a_limit(store: &dyn Store) {
    // Not to be compressed into less by the database.
    let mut seed = 1_u32;
    let mut letter = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'!' + (seed >> 24) as u8 % 90)
    };
    let most: String = (0..NAME_LIMIT).map(|_| letter()).collect();
    let id = store.create_project(&new_project(&most)).await.unwrap().id;
    let found = store.project_by_path(&most).await.unwrap();
    assert_eq!(found.map(|project| project.id), Some(id));
    let mut new = new_pipeline(id, &most, 1);
    new.git_ref.clone_from(&most);
    new.effects = vec![effect("a", Some(&most))];
    assert!(store.create_pipeline(&new).await.unwrap().fresh);
    let mut came = delivery(id, &most);
    came.source.clone_from(&most);
    store.put_delivery(&came).await.unwrap();
    let more = most + "x";
    let too_long = |answer: Result<(), StoreError>| {
        assert!(matches!(answer, Err(StoreError::TooLong(_))), "{answer:?}");
    };
    too_long(store.create_project(&new_project(&more)).await.map(drop));
    too_long(store.put_delivery(&delivery(id, &more)).await.map(drop));
    too_long(
        store
            .create_pipeline(&new_pipeline(id, &more, 1))
            .await
            .map(drop),
    );
    let mut next = change(aqueduct_core::id::PipelineId(1), 1, Status::Running);
    next.effects = vec![effect("a", Some(&more))];
    too_long(store.commit_pipeline(&next).await.map(drop));
    too_long(store.reserve_object(&more, NOW).await);
}

/// A plan of megabytes, a webhook of megabytes, a trace of megabytes.
pub async fn large_values_are_kept(store: &dyn Store) {
    let made = pipeline(store, 1).await;
    let large = "ü0123456789".repeat(400_000);
    let project = store.projects().await.unwrap()[0].id;
    let mut new = new_pipeline(project, "large", 1);
    new.plan = Some(large.clone());
    let second = store.create_pipeline(&new).await.unwrap();
    let loaded = store.load_pipeline(second.id).await.unwrap().unwrap();
    assert_eq!(loaded.plan, Some(large.clone()));
    let mut next = change(made.id, 1, Status::Running);
    next.jobs = vec![job_change(0, Status::Running, 1)];
    next.jobs[0].state.clone_from(&large);
    store.commit_pipeline(&next).await.unwrap();
    let job = store.job(made.first_job).await.unwrap().unwrap();
    assert_eq!(job.state, large);
    let mut came = delivery(project, "large");
    came.body = Bytes::from(large.clone());
    store.put_delivery(&came).await.unwrap();
    assert_eq!(
        store.next_deliveries(NOW, 1).await.unwrap()[0].content,
        came
    );
    let of = attempt(made.first_job, 1);
    let bytes = Bytes::from(large.clone());
    store
        .append_trace(of, 0, bytes.clone(), u64::MAX, NOW)
        .await
        .unwrap();
    let part = store.read_trace(of, 0, u64::MAX).await.unwrap();
    assert_eq!(part.place, TracePlace::Here(bytes));
}
