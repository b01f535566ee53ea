//! Jobs: written with their pipeline, read by themselves too.

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, PipelineId, ProjectId},
    time::Timestamp,
    token::TokenHash,
};
use aqueduct_ports::store::{
    JobChange, JobFilter, JobRow, NewPipeline, Page, StoreError, TokenOwner, TokenUse,
};

use super::pipeline_row::job;
use crate::{
    Database,
    db::{Arg, Link, Row, args},
    sql::{self, job as text},
};

/// Rows an INSERT: SQLite takes 32,766 parameters, and each number of rows is a statement of its own to be prepared.
const ROWS_AT_ONCE: usize = 100;

pub(super) async fn insert(
    link: &mut Link<'_>,
    pipeline: PipelineId,
    first: GlobalJobId,
    new: &NewPipeline,
) -> Result<(), StoreError> {
    let mut position = 0_u32;
    for jobs in new.jobs.chunks(ROWS_AT_ONCE) {
        let mut values = Vec::with_capacity(jobs.len() * text::INSERT_COLUMNS);
        for job in jobs {
            values.extend_from_slice(args![
                first.at(position),
                pipeline,
                new.project,
                position,
                &job.name,
                &job.stage,
                job.status,
                &job.state,
                new.created,
            ]);
            position += 1;
        }
        let statement = sql::with_rows(text::INSERT, text::INSERT_COLUMNS, jobs.len());
        link.execute_built(statement, &values).await?;
    }
    Ok(())
}

/// [`StoreError::Missing`] if the pipeline, whose job ids begin with `first`, has no such job.
pub(super) async fn update(
    link: &mut Link<'_>,
    first: GlobalJobId,
    count: u32,
    changes: &[JobChange],
    now: Timestamp,
) -> Result<(), StoreError> {
    let missing = changes.iter().find(|change| change.position >= count);
    if let Some(change) = missing {
        let what = format!("a job at position {} of {count}", change.position);
        return Err(StoreError::Missing(what));
    }
    let mut rest = changes;
    while let Some((changes, others)) = rest.split_at_checked(at_once(rest.len())) {
        if changes.is_empty() {
            break;
        }
        rest = others;
        let mut values = Vec::with_capacity(changes.len() * text::UPDATE_COLUMNS);
        for change in changes {
            values.extend_from_slice(args![
                first.at(change.position),
                change.status,
                change.attempt,
                &change.state,
                change.manager,
                &change.report_token,
                &change.read_token,
                now,
            ]);
        }
        if changes.len() == 1 {
            link.execute(text::UPDATE, &values).await?;
        } else {
            let (begin, end) = text::UPDATE_MANY;
            let statement = sql::with_rows(begin, text::UPDATE_COLUMNS, changes.len()) + end;
            link.execute_built(statement, &values).await?;
        }
    }
    Ok(())
}

/// How many of so many rows are changed by one statement: a power of two, so that there are few statements to be prepared.
fn at_once(rows: usize) -> usize {
    let most = rows.min(ROWS_AT_ONCE);
    if most == 0 { 0 } else { 1 << most.ilog2() }
}

/// The jobs whose ids begin with `first`.
pub(super) async fn range(
    link: &mut Link<'_>,
    first: GlobalJobId,
    count: u32,
) -> Result<Vec<JobRow>, StoreError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let rows = link.all(text::RANGE, args![first, first.at(count)]).await?;
    rows.iter().map(job).collect()
}

impl Database {
    pub(super) async fn jobs_of_pipeline(
        &self,
        pipeline: PipelineId,
    ) -> Result<Vec<JobRow>, StoreError> {
        let mut reader = self.reader().await?;
        let mut link = reader.link();
        let Some(row) = link.one(text::RANGE_OF, args![pipeline]).await? else {
            return Ok(Vec::new());
        };
        let mut cells = row.cells();
        range(&mut link, cells.next()?, cells.next()?).await
    }

    pub(super) async fn job_by_id(&self, id: GlobalJobId) -> Result<Option<JobRow>, StoreError> {
        let row = self.one(text::BY_ID, args![id]).await?;
        row.as_ref().map(job).transpose()
    }

    pub(super) async fn job_page(
        &self,
        filter: &JobFilter,
        page: Page,
    ) -> Result<Vec<JobRow>, StoreError> {
        let conditions = [
            ("project =", filter.project.map(Arg::from)),
            ("status =", filter.status.map(Arg::from)),
            ("id <", page.before.map(Arg::from)),
        ];
        let (statement, values) = sql::page(text::LIST, conditions, page.limit);
        let rows = self.all_built(statement, &values).await?;
        rows.iter().map(job).collect()
    }

    pub(super) async fn token_owner(
        &self,
        token: &TokenHash,
    ) -> Result<Option<TokenOwner>, StoreError> {
        let uses = [
            (text::BY_REPORT_TOKEN, TokenUse::Report),
            (text::BY_READ_TOKEN, TokenUse::Read),
        ];
        let mut reader = self.reader().await?;
        for (statement, purpose) in uses {
            if let Some(row) = reader.link().one(statement, args![token]).await? {
                return owner(&row, purpose).map(Some);
            }
        }
        Ok(None)
    }
}

fn owner(row: &Row, purpose: TokenUse) -> Result<TokenOwner, StoreError> {
    let mut cells = row.cells();
    Ok(TokenOwner {
        attempt: GlobalAttempt {
            job: cells.next()?,
            attempt: cells.next()?,
        },
        pipeline: cells.next()?,
        project: cells.next::<ProjectId>()?,
        purpose,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_rows_takes_few_statements() {
        let table = [
            (0, 0),
            (1, 1),
            (2, 2),
            (3, 2),
            (63, 32),
            (64, 64),
            (1000, 64),
        ];
        for (rows, expected) in table {
            assert_eq!(at_once(rows), expected, "{rows}");
        }
    }
}
