//! Lists, page by page, and reads beside writes.

use aqueduct_core::run::Status;

use super::samples::{change, job_change, new_pipeline, pipeline, project};
use crate::store::{JobFilter, Page, PipelineFilter, Store};

const fn after(before: u64, limit: u32) -> Page {
    Page {
        before: Some(before),
        limit,
    }
}

/// Each row once, and a row that comes in meanwhile shifts nothing.
pub async fn pages_go_from_new_to_old(store: &dyn Store) {
    let project = project(store, "group/name").await;
    for number in 0..7 {
        let new = new_pipeline(project, &format!("cause {number}"), 2);
        store.create_pipeline(&new).await.unwrap();
    }
    let all = PipelineFilter::default();
    let mut seen = Vec::new();
    let mut page = Page::first(3);
    loop {
        let rows = store.pipelines(&all, page).await.unwrap();
        seen.extend(rows.iter().map(|row| row.id.0));
        if rows.len() < 3 {
            break;
        }
        page = after(rows[2].id.0, 3);
        let meanwhile = new_pipeline(project, &format!("meanwhile {}", seen.len()), 1);
        store.create_pipeline(&meanwhile).await.unwrap();
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    assert!(
        store
            .pipelines(&all, Page::first(0))
            .await
            .unwrap()
            .is_empty()
    );
    let jobs = store
        .jobs(&JobFilter::default(), after(5, 2))
        .await
        .unwrap();
    let jobs: Vec<_> = jobs.iter().map(|job| job.id.0).collect();
    assert_eq!(jobs, [4, 3]);
}

/// By project, ref and state, each alone and all at once.
pub async fn filters_hold_together(store: &dyn Store) {
    let one = project(store, "group/one").await;
    let two = project(store, "group/two").await;
    let rows = [
        (one, "refs/heads/main", Status::Success),
        (one, "refs/heads/main", Status::Failed),
        (one, "refs/heads/other", Status::Failed),
        (two, "refs/heads/main", Status::Failed),
    ];
    for (number, (project, git_ref, status)) in rows.into_iter().enumerate() {
        let mut new = new_pipeline(project, &format!("cause {number}"), 1);
        new.git_ref = git_ref.to_owned();
        new.head.status = status;
        store.create_pipeline(&new).await.unwrap();
    }
    let filter = |project, git_ref: Option<&str>, status| PipelineFilter {
        project,
        git_ref: git_ref.map(str::to_owned),
        status,
    };
    let table = [
        (filter(None, None, None), vec![4, 3, 2, 1]),
        (filter(Some(one), None, None), vec![3, 2, 1]),
        (filter(Some(one), Some("refs/heads/main"), None), vec![2, 1]),
        (filter(Some(one), None, Some(Status::Failed)), vec![3, 2]),
        (filter(None, None, Some(Status::Failed)), vec![4, 3, 2]),
        (
            filter(Some(one), Some("refs/heads/main"), Some(Status::Failed)),
            vec![2],
        ),
        (filter(Some(two), Some("refs/heads/other"), None), vec![]),
    ];
    for (filter, expected) in table {
        let rows = store.pipelines(&filter, Page::first(10)).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
}

/// Of all projects or of one, as they are after the last transition.
pub async fn jobs_are_listed_by_state(store: &dyn Store) {
    let one = project(store, "group/one").await;
    let two = project(store, "group/two").await;
    for (project, cause) in [(one, "a"), (two, "b")] {
        let new = new_pipeline(project, cause, 2);
        let made = store.create_pipeline(&new).await.unwrap();
        let mut next = change(made.id, 1, Status::Running);
        next.jobs = vec![job_change(1, Status::Running, 1)];
        store.commit_pipeline(&next).await.unwrap();
    }
    let filter = |project, status| JobFilter { project, status };
    let table = [
        (filter(None, None), vec![4, 3, 2, 1]),
        (filter(None, Some(Status::Running)), vec![4, 2]),
        (filter(Some(one), Some(Status::Running)), vec![2]),
        (filter(Some(two), None), vec![4, 3]),
        (filter(None, Some(Status::Manual)), vec![]),
    ];
    for (filter, expected) in table {
        let rows = store.jobs(&filter, Page::first(10)).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
}

/// A pipeline that is loaded while it changes has the jobs of the version it says.
pub async fn a_snapshot_is_of_one_moment(store: &dyn Store) {
    let made = pipeline(store, 5).await;
    let write = async {
        for version in 1..=60_u32 {
            let mut next = change(made.id, u64::from(version), Status::Running);
            next.jobs = (0..5)
                .map(|position| job_change(position, Status::Running, version + 1))
                .collect();
            store.commit_pipeline(&next).await.unwrap();
        }
    };
    let read = async {
        let mut versions = 0;
        loop {
            let loaded = store.load_pipeline(made.id).await.unwrap().unwrap();
            let version = loaded.row.version;
            for job in &loaded.jobs {
                let attempt = u64::from(job.attempt);
                assert!(attempt == version || (version == 1 && attempt == 0));
            }
            versions += 1;
            if version == 61 {
                break versions;
            }
            tokio::task::yield_now().await;
        }
    };
    let ((), versions) = tokio::join!(write, read);
    assert!(versions > 1, "the reader saw only the end");
}
