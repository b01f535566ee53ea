//! A process is killed while it writes: what it was answered is there, and nothing half.
//!
//! The implementation starts a process that calls [`write`] and prints what it is told of, kills it without warning, opens
//! the store anew and calls [`check`] with what was printed.

use aqueduct_core::{id::ProjectId, run::Status};
use bytes::Bytes;
use futures_util::future::join_all;

use super::samples::{
    NOW, attempt, change, delivery, effect, job_change, later, new_pipeline, project,
};
use crate::store::{HeadChange, HeadMove, Observation, Page, PipelineFilter, Store, TracePlace};

/// Transitions of a pipeline that is written.
const STEPS: u32 = 5;
/// Pipelines that are written at once.
const LANES: u32 = 8;

/// Writes until it is killed. `answered` is called with a text for everything that was answered; it must have left the process
/// when that returns.
pub async fn write(store: &dyn Store, answered: impl Fn(String) + Sync) {
    let project = project(store, "group/name").await;
    let answered = &answered;
    join_all((0..LANES).map(|lane| async move {
        for round in 0.. {
            pipeline(store, project, lane, round, answered).await;
        }
    }))
    .await;
}

async fn pipeline(
    store: &dyn Store,
    project: ProjectId,
    lane: u32,
    round: u32,
    answered: &impl Fn(String),
) {
    let cause = format!("{lane}-{round}");
    let head = HeadChange {
        name: format!("refs/heads/{cause}"),
        from: None,
        to: HeadMove::At("1".to_owned()),
    };
    let observation = Observation {
        changes: vec![head],
        deliveries: vec![delivery(project, &cause)],
        now: NOW,
    };
    store.observe_heads(project, &observation).await.unwrap();
    answered(format!("head {cause}"));
    let mut new = new_pipeline(project, &cause, 3);
    new.effects = vec![effect("made", None)];
    let made = store.create_pipeline(&new).await.unwrap();
    answered(format!("made {cause}"));
    for step in 1..=STEPS {
        let written = format!("{cause} line {step}\n");
        let offset = u64::from(step - 1) * written.len() as u64;
        let of = attempt(made.first_job, 1);
        let bytes = Bytes::from(written);
        let appended = store.append_trace(of, offset, bytes, u64::MAX, NOW).await;
        answered(format!("trace {cause} {}", appended.unwrap().head.received));
        let mut next = change(made.id, u64::from(step), Status::Running);
        next.jobs = (0..3)
            .map(|position| job_change(position, Status::Running, step))
            .collect();
        next.effects = vec![effect("moved", None)];
        let version = store.commit_pipeline(&next).await.unwrap();
        answered(format!("version {cause} {version}"));
    }
}

/// Checks what the killed process left against what it was answered, a text a line.
pub async fn check(store: &dyn Store, answered: &[String]) {
    let Some(project) = store.project_by_path("group/name").await.unwrap() else {
        assert!(answered.is_empty(), "the project is gone");
        return;
    };
    for line in answered {
        let words: Vec<_> = line.split(' ').collect();
        check_answer(store, project.id, &words).await;
    }
    let deliveries = store.next_deliveries(later(1), 100_000).await.unwrap();
    let heads = store.heads(project.id).await.unwrap();
    assert_eq!(deliveries.len(), heads.len(), "a head without its event");
    let all = PipelineFilter::default();
    let rows = store.pipelines(&all, Page::first(100_000)).await.unwrap();
    let mut effects = 0;
    for row in &rows {
        let jobs = store.jobs_of(row.id).await.unwrap();
        let attempts: Vec<_> = jobs.iter().map(|job| u64::from(job.attempt) + 1).collect();
        assert_eq!(attempts, [row.version; 3], "half a transition");
        effects += row.version;
    }
    let due = store.due_effects(later(1), 100_000).await.unwrap();
    assert_eq!(due.len() as u64, effects, "a transition without its effect");
}

async fn check_answer(store: &dyn Store, project: ProjectId, words: &[&str]) {
    let cause = words[1];
    if words[0] == "head" {
        let head = store.head(project, &format!("refs/heads/{cause}")).await;
        assert!(head.unwrap().is_some(), "{words:?}");
        return;
    }
    let known = store
        .create_pipeline(&new_pipeline(project, cause, 3))
        .await;
    let known = known.unwrap();
    assert!(!known.fresh, "{words:?}");
    match words[0] {
        "version" => {
            let row = store.pipeline(known.id).await.unwrap().unwrap();
            assert!(row.version >= words[2].parse().unwrap(), "{words:?}");
        }
        "trace" => {
            let of = attempt(known.first_job, 1);
            let part = store.read_trace(of, 0, 1 << 20).await.unwrap();
            assert!(part.head.received >= words[2].parse().unwrap(), "{words:?}");
            let lines = (1..=STEPS).map(|step| format!("{cause} line {step}\n"));
            let whole: String = lines.collect();
            let TracePlace::Here(bytes) = part.place else {
                panic!("nobody sealed it");
            };
            assert!(whole.as_bytes().starts_with(&bytes), "{words:?}");
        }
        _ => {}
    }
}
