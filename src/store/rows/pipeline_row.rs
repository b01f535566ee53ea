//! Rows of pipelines and jobs as values.

use aqueduct_ports::store::{JobRow, PipelineHead, PipelineRow, StoreError};

use crate::db::Row;

pub(super) fn pipeline(row: &Row) -> Result<PipelineRow, StoreError> {
    let mut cells = row.cells();
    Ok(PipelineRow {
        id: cells.next()?,
        project: cells.next()?,
        iid: cells.next()?,
        version: cells.next()?,
        cause: cells.next()?,
        git_ref: cells.next()?,
        sha: cells.next()?,
        before_sha: cells.next()?,
        source: cells.next()?,
        name: cells.next()?,
        plan_hash: cells.next()?,
        diagnostics: cells.next()?,
        first_job: cells.next()?,
        jobs: cells.next()?,
        head: PipelineHead {
            status: cells.next()?,
            active: cells.next()?,
            state: cells.next()?,
            started: cells.next()?,
            finished: cells.next()?,
        },
        created: cells.next()?,
        updated: cells.next()?,
    })
}

pub(super) fn job(row: &Row) -> Result<JobRow, StoreError> {
    let mut cells = row.cells();
    Ok(JobRow {
        id: cells.next()?,
        pipeline: cells.next()?,
        project: cells.next()?,
        position: cells.next()?,
        name: cells.next()?,
        stage: cells.next()?,
        status: cells.next()?,
        attempt: cells.next()?,
        state: cells.next()?,
        manager: cells.next()?,
        report_token: cells.next()?,
        read_token: cells.next()?,
        updated: cells.next()?,
    })
}
