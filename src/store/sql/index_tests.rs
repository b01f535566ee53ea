//! No list reads the history to find a page of it: what SQLite says it will do for each statement.

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    run::Status,
    time::Timestamp,
    token::TokenHash,
};

use super::{artifact, inbox, job, outbox, page, pipeline, trace};
use crate::{
    Database,
    db::{Arg, args},
};

async fn steps(database: &Database, sql: &str, values: &[Arg<'_>]) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let rows = database.all_built(explain, values).await.unwrap();
    let detail = |row: &crate::db::Row| -> String {
        let mut cells = row.cells();
        let (_, _, _): (i64, i64, i64) = (
            cells.next().unwrap(),
            cells.next().unwrap(),
            cells.next().unwrap(),
        );
        cells.next().unwrap()
    };
    let steps: Vec<_> = rows.iter().map(detail).collect();
    steps.join("; ")
}

#[tokio::test]
async fn pages_follow_an_index_and_sort_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::sqlite(dir.path()).await.unwrap();
    let project = || Some(Arg::from(ProjectId(1)));
    let status = || Some(Arg::from(Status::Failed));
    let before = || Some(Arg::from(9_u64));
    let git_ref = || Some(Arg::from("refs/heads/main"));
    for (project, git_ref, status, before) in [
        (None, None, None, None),
        (None, None, None, before()),
        (project(), None, None, before()),
        (project(), git_ref(), None, None),
        (project(), git_ref(), None, before()),
        (None, None, status(), before()),
        (project(), None, status(), before()),
    ] {
        let filtered = project.is_some() || status.is_some();
        let conditions = [
            ("project =", project.clone()),
            ("git_ref =", git_ref.clone()),
            ("status =", status.clone()),
            ("id <", before.clone()),
        ];
        let (list, values) = page(pipeline::LIST, conditions, 20);
        let mut lists = vec![(list, values)];
        if git_ref.is_none() {
            let conditions = [
                ("project =", project),
                ("status =", status),
                ("id <", before),
            ];
            lists.push(page(job::LIST, conditions, 20));
        }
        for (list, values) in lists {
            let steps = steps(&database, &list, &values).await;
            assert!(!steps.contains("TEMP B-TREE"), "{list}: {steps}");
            assert!(
                !filtered || steps.contains("USING INDEX"),
                "{list}: {steps}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_asked_often_is_found_by_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::sqlite(dir.path()).await.unwrap();
    let token = TokenHash::of("a");
    let now = Timestamp(1);
    let table: [(&str, &[Arg<'_>], &str); 10] = [
        (job::BY_REPORT_TOKEN, args![&token], "jobs_by_report_token"),
        (job::BY_READ_TOKEN, args![&token], "jobs_by_read_token"),
        (
            job::RANGE,
            args![GlobalJobId(1), GlobalJobId(5)],
            "INTEGER PRIMARY KEY",
        ),
        (pipeline::ACTIVE, args![], "pipelines_active"),
        (
            pipeline::ACTIVE_OF,
            args![ProjectId(1), "refs/heads/main"],
            "pipelines_active_by_ref",
        ),
        (pipeline::BY_ID, args![PipelineId(1)], "INTEGER PRIMARY KEY"),
        (trace::UNSEALED, args![now, 5_u32], "traces_unsealed"),
        (inbox::NEXT_AT, args![], "inbox_due"),
        (outbox::NEXT_AT, args![], "outbox_by_due"),
        (artifact::EXPIRED, args![now, 5_u32], "artifacts_expiring"),
    ];
    for (sql, values, index) in table {
        let steps = steps(&database, sql, values).await;
        assert!(steps.contains(index), "{sql}: {steps}");
    }
}
