//! Pipelines and transitions.

use aqueduct_core::{
    id::{GlobalJobId, ManagerId, PipelineId, ProjectId},
    run::Status,
    token::TokenHash,
};
use futures_util::future::join_all;

use super::samples::{
    NOW, assert_conflict, assert_missing, attempt, change, effect, job_change, later, new_pipeline,
    pipeline, project,
};
use crate::store::{PipelineHead, Store, TokenUse};

/// Every field, with its jobs in order.
pub async fn a_pipeline_comes_back_as_it_was_made(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let mut new = new_pipeline(project, "push:1", 3);
    new.before_sha = Some("ff".to_owned());
    new.name = Some("nightly".to_owned());
    new.diagnostics = Some("[]".to_owned());
    new.head.started = Some(later(5));
    let made = store.create_pipeline(&new).await.unwrap();
    assert!(made.fresh);
    let loaded = store.load_pipeline(made.id).await.unwrap().unwrap();
    let row = &loaded.row;
    assert_eq!((row.id, row.iid, row.version), (made.id, 1, 1));
    assert_eq!((row.project, row.cause.as_str()), (project, "push:1"));
    assert_eq!((&row.git_ref, &row.sha), (&new.git_ref, &new.sha));
    assert_eq!(
        (&row.before_sha, &row.source),
        (&new.before_sha, &new.source)
    );
    assert_eq!((&row.name, &row.plan_hash), (&new.name, &new.plan_hash));
    assert_eq!((&row.diagnostics, &row.head), (&new.diagnostics, &new.head));
    assert_eq!((row.created, row.updated, row.jobs), (NOW, NOW, 3));
    assert_eq!(loaded.plan, new.plan);
    for (position, (job, asked)) in loaded.jobs.iter().zip(&new.jobs).enumerate() {
        assert_eq!(job.id.0, made.first_job.0 + position as u64);
        assert_eq!(job.position as usize, position);
        assert_eq!((job.pipeline, job.project), (made.id, project));
        assert_eq!((&job.name, &job.stage), (&asked.name, &asked.stage));
        assert_eq!((job.status, &job.state), (asked.status, &asked.state));
        assert_eq!((job.attempt, job.manager), (0, None));
    }
    assert_eq!(store.jobs_of(made.id).await.unwrap(), loaded.jobs);
    assert_eq!(store.pipeline(made.id).await.unwrap(), Some(loaded.row));
    assert_eq!(store.load_pipeline(PipelineId(999)).await.unwrap(), None);
    assert!(store.jobs_of(PipelineId(999)).await.unwrap().is_empty());
}

/// One after the other, also for a pipeline without jobs and for one with more jobs than a statement takes rows.
pub async fn job_ids_are_blocks(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let mut next = 1;
    for (number, jobs) in [2, 0, 1001, 3].into_iter().enumerate() {
        let new = new_pipeline(project, &format!("cause {number}"), jobs);
        let made = store.create_pipeline(&new).await.unwrap();
        assert_eq!(made.first_job, GlobalJobId(next), "pipeline {number}");
        let stored = store.jobs_of(made.id).await.unwrap();
        assert_eq!(stored.len(), jobs, "pipeline {number}");
        next += jobs as u64;
    }
    let job = store.job(GlobalJobId(1002)).await.unwrap().unwrap();
    assert_eq!((job.pipeline, job.position), (PipelineId(3), 999));
    assert_eq!(store.job(GlobalJobId(next)).await.unwrap(), None);
}

/// However often it is handled and by however many at once; another project's same cause is its own.
pub async fn a_cause_makes_one_pipeline(store: &dyn Store) {
    let one = project(store, "group/one").await;
    let two = project(store, "group/two").await;
    let mut new = new_pipeline(one, "push:main", 2);
    new.effects = vec![effect("commit_status", None)];
    let made = join_all((0..8).map(|_| store.create_pipeline(&new))).await;
    let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().filter(|made| made.fresh).count(), 1);
    for other in &made {
        assert_eq!((other.id, other.first_job), (made[0].id, made[0].first_job));
    }
    let effects = store.due_effects(later(1), 10).await.unwrap();
    assert_eq!(effects.len(), 1, "the effects are stored once");
    let elsewhere = new_pipeline(two, "push:main", 1);
    assert!(store.create_pipeline(&elsewhere).await.unwrap().fresh);
}

/// Neither from repeats nor from failures.
pub async fn numbers_have_no_gaps(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let mut numbers = Vec::new();
    for cause in ["a", "a", "b", "b", "c"] {
        let new = new_pipeline(project, cause, 1);
        numbers.push(store.create_pipeline(&new).await.unwrap().iid);
    }
    assert_eq!(numbers, [1, 1, 2, 2, 3]);
}

/// One that is there, and was not deleted.
pub async fn pipelines_need_a_project(store: &dyn Store) {
    let new = new_pipeline(ProjectId(77), "a", 1);
    assert_missing(&store.create_pipeline(&new).await);
    let gone = project(store, "group/name").await;
    store.delete_project(gone, NOW).await.unwrap();
    let new = new_pipeline(gone, "a", 1);
    assert_missing(&store.create_pipeline(&new).await);
    assert!(store.active_pipelines().await.unwrap().is_empty());
}

/// The head and the named jobs, and no other job.
pub async fn a_commit_replaces_what_it_names(store: &dyn Store) {
    let made = pipeline(store, 3).await;
    let before = store.jobs_of(made.id).await.unwrap();
    let mut next = change(made.id, 1, Status::Running);
    next.head = PipelineHead {
        status: Status::Running,
        active: true,
        state: "{\"next\":true}".to_owned(),
        started: Some(later(1)),
        finished: Some(later(2)),
    };
    let mut job = job_change(1, Status::Running, 2);
    job.manager = Some(ManagerId(5));
    job.report_token = Some(TokenHash::of("report"));
    job.read_token = Some(TokenHash::of("read"));
    next.jobs = vec![job.clone()];
    assert_eq!(store.commit_pipeline(&next).await.unwrap(), 2);
    let loaded = store.load_pipeline(made.id).await.unwrap().unwrap();
    assert_eq!((loaded.row.version, &loaded.row.head), (2, &next.head));
    assert_eq!((loaded.row.created, loaded.row.updated), (NOW, next.now));
    assert_eq!((&loaded.jobs[0], &loaded.jobs[2]), (&before[0], &before[2]));
    let stored = &loaded.jobs[1];
    assert_eq!((stored.status, stored.attempt), (Status::Running, 2));
    assert_eq!((&stored.state, stored.manager), (&job.state, job.manager));
    assert_eq!(stored.report_token, job.report_token);
    assert_eq!(stored.read_token, job.read_token);
    assert_eq!((&stored.name, stored.updated), (&before[1].name, next.now));
    assert_eq!(store.job(stored.id).await.unwrap().as_ref(), Some(stored));
}

/// Exactly one, and it is the one that is stored.
pub async fn of_two_commits_one_wins(store: &dyn Store) {
    let made = pipeline(store, 2).await;
    for version in 1..20_u64 {
        let tries = (0..2_u32).map(|number| {
            let mut try_ = change(made.id, version, Status::Running);
            try_.head.state = format!("\"{version} by {number}\"");
            try_.jobs = vec![job_change(number, Status::Running, version as u32)];
            try_
        });
        let tries: Vec<_> = tries.collect();
        let answers = join_all(tries.iter().map(|try_| store.commit_pipeline(try_))).await;
        let won: Vec<_> = (0..2).filter(|number| answers[*number].is_ok()).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        assert_eq!(answers[won[0]], Ok(version + 1));
        assert_conflict(&answers[1 - won[0]]);
        let loaded = store.load_pipeline(made.id).await.unwrap().unwrap();
        assert_eq!(loaded.row.head.state, tries[won[0]].head.state);
        let lost = &loaded.jobs[1 - won[0]];
        assert_ne!(u64::from(lost.attempt), version, "the loser wrote a job");
    }
    let nowhere = change(PipelineId(999), 1, Status::Running);
    assert_conflict(&store.commit_pipeline(&nowhere).await);
}

/// Neither head, jobs nor effects of a transition from an old version.
pub async fn a_commit_that_fails_writes_nothing(store: &dyn Store) {
    let made = pipeline(store, 2).await;
    let before = store.load_pipeline(made.id).await.unwrap();
    let mut late = change(made.id, 7, Status::Failed);
    late.jobs = vec![job_change(0, Status::Failed, 1)];
    late.effects = vec![effect("commit_status", None)];
    assert_conflict(&store.commit_pipeline(&late).await);
    assert_eq!(store.load_pipeline(made.id).await.unwrap(), before);
    assert!(store.due_effects(later(9), 10).await.unwrap().is_empty());
}

/// After the head and another job were written: they are taken back.
pub async fn jobs_that_are_not_there_fail_the_commit(store: &dyn Store) {
    let made = pipeline(store, 2).await;
    let other = new_pipeline(store.projects().await.unwrap()[0].id, "other", 2);
    let other = store.create_pipeline(&other).await.unwrap();
    let before = store.load_pipeline(made.id).await.unwrap();
    let neighbour = store.load_pipeline(other.id).await.unwrap();
    let mut wrong = change(made.id, 1, Status::Failed);
    wrong.jobs = vec![
        job_change(0, Status::Failed, 1),
        job_change(2, Status::Failed, 1),
    ];
    assert_missing(&store.commit_pipeline(&wrong).await);
    assert_eq!(store.load_pipeline(made.id).await.unwrap(), before);
    assert_eq!(store.load_pipeline(other.id).await.unwrap(), neighbour);
}

/// Those of different pipelines don't disturb each other, also when some of them fail.
pub async fn many_commits_at_once_all_count(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let mut made = Vec::new();
    for number in 0..20 {
        let new = new_pipeline(project, &format!("cause {number}"), 2);
        made.push(store.create_pipeline(&new).await.unwrap().id);
    }
    let chain = |(number, id): (usize, PipelineId)| async move {
        for version in 1..=10 {
            let mut next = change(id, version, Status::Running);
            next.jobs = vec![job_change(1, Status::Running, version as u32)];
            assert_eq!(store.commit_pipeline(&next).await, Ok(version + 1));
            if number % 3 == 0 {
                assert_conflict(&store.commit_pipeline(&next).await);
            }
            if number % 5 == 0 {
                // Fails after it has written.
                next.expected_version = version + 1;
                next.jobs = vec![
                    job_change(0, Status::Failed, 9),
                    job_change(9, Status::Failed, 9),
                ];
                assert_missing(&store.commit_pipeline(&next).await);
            }
        }
    };
    join_all(made.iter().copied().enumerate().map(chain)).await;
    for id in made {
        let loaded = store.load_pipeline(id).await.unwrap().unwrap();
        assert_eq!((loaded.row.version, loaded.jobs[1].attempt), (11, 10));
        assert_eq!(loaded.jobs[0].status, Status::Pending);
    }
}

/// Oldest first, and only those that say so.
pub async fn active_pipelines_are_listed(store: &dyn Store) {
    let project = project(store, "group/name").await;
    let mut ids = Vec::new();
    for cause in ["a", "b", "c"] {
        let new = new_pipeline(project, cause, 1);
        ids.push(store.create_pipeline(&new).await.unwrap().id);
    }
    assert_eq!(store.active_pipelines().await.unwrap(), ids);
    let end = change(ids[1], 1, Status::Success);
    store.commit_pipeline(&end).await.unwrap();
    assert_eq!(store.active_pipelines().await.unwrap(), [ids[0], ids[2]]);
    let again = change(ids[1], 2, Status::Running);
    store.commit_pipeline(&again).await.unwrap();
    assert_eq!(store.active_pipelines().await.unwrap(), ids);
}

/// Of one project and one ref, oldest first, and only those that are active.
pub async fn active_pipelines_of_a_ref_are_listed(store: &dyn Store) {
    let one = project(store, "group/one").await;
    let two = project(store, "group/two").await;
    let (main, other) = ("refs/heads/main", "refs/heads/main2");
    let mut ids = Vec::new();
    for (number, (project, git_ref)) in [(one, main), (one, other), (two, main), (one, main)]
        .into_iter()
        .enumerate()
    {
        let mut new = new_pipeline(project, &format!("cause {number}"), 1);
        new.git_ref = git_ref.to_owned();
        ids.push(store.create_pipeline(&new).await.unwrap().id);
    }
    let of = |project, git_ref| store.active_pipelines_of(project, git_ref);
    assert_eq!(of(one, main).await.unwrap(), [ids[0], ids[3]]);
    assert_eq!(of(two, main).await.unwrap(), [ids[2]]);
    assert!(of(two, other).await.unwrap().is_empty());
    let end = change(ids[0], 1, Status::Success);
    store.commit_pipeline(&end).await.unwrap();
    assert_eq!(of(one, main).await.unwrap(), [ids[3]]);
}

/// However many a statement takes: each gets its own values, and the others stay as they are.
pub async fn a_commit_changes_any_number_of_jobs(store: &dyn Store) {
    let made = pipeline(store, 150).await;
    let mut before = store.jobs_of(made.id).await.unwrap();
    for (version, count) in (1..).zip([0, 1, 2, 3, 7, 64, 149]) {
        let mut next = change(made.id, version, Status::Running);
        let positions = (0..count).map(|number| 149 - number);
        next.jobs = positions
            .map(|position| {
                let mut job = job_change(position, Status::Running, position);
                let token = format!("{position} {version}");
                job.report_token = Some(TokenHash::of(&token));
                job.manager = (position % 2 == 0).then_some(ManagerId(version));
                job
            })
            .collect();
        store.commit_pipeline(&next).await.unwrap();
        for job in &next.jobs {
            let row = &mut before[job.position as usize];
            (row.status, row.attempt, row.manager) = (job.status, job.attempt, job.manager);
            (row.state, row.report_token) = (job.state.clone(), job.report_token);
            row.updated = next.now;
        }
        let after = store.jobs_of(made.id).await.unwrap();
        assert_eq!(after, before, "{count} jobs");
    }
}

/// Each for its purpose, and neither once the attempt is over.
pub async fn tokens_open_only_leased_attempts(store: &dyn Store) {
    let made = pipeline(store, 2).await;
    let (report, read) = (TokenHash::of("report"), TokenHash::of("read"));
    let mut version = 1;
    for (status, opens) in [
        (Status::Pending, false),
        (Status::Preparing, true),
        (Status::Running, true),
        (Status::Success, false),
    ] {
        let mut next = change(made.id, version, Status::Running);
        let mut job = job_change(1, status, 3);
        (job.report_token, job.read_token) = (Some(report), Some(read));
        next.jobs = vec![job];
        version = store.commit_pipeline(&next).await.unwrap();
        for (token, purpose) in [(report, TokenUse::Report), (read, TokenUse::Read)] {
            let owner = store.job_by_token(&token).await.unwrap();
            assert_eq!(owner.is_some(), opens, "{status} {purpose:?}");
            let Some(owner) = owner else { continue };
            let expected = attempt(GlobalJobId(made.first_job.0 + 1), 3);
            assert_eq!((owner.attempt, owner.purpose), (expected, purpose));
            assert_eq!((owner.pipeline, owner.project.0), (made.id, 1));
        }
    }
    let unknown = TokenHash::of("unknown");
    assert_eq!(store.job_by_token(&unknown).await.unwrap(), None);
}
