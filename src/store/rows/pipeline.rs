//! Pipelines.

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    token::TokenHash,
};
use aqueduct_ports::store::{
    CreatedPipeline, JobFilter, JobRow, NewPipeline, Page, PipelineChange, PipelineFilter,
    PipelineRow, Pipelines, StoreError, StoredPipeline, TokenOwner,
};
use async_trait::async_trait;

use super::{job, limits, outbox, pipeline_row::pipeline, project};
use crate::{
    Database,
    db::{Arg, Link, args, work},
    sql::{self, pipeline as text},
};

async fn create(link: &mut Link<'_>, new: &NewPipeline) -> Result<CreatedPipeline, StoreError> {
    // From here on nobody else makes a pipeline of this project.
    project::lock(link, new.project).await?;
    if let Some(known) = by_cause(link, new).await? {
        return Ok(known);
    }
    let count = new.jobs.len() as u64;
    let iid = number(link, sql::project::NEXT_IID, args![new.project]).await?;
    let last_job = number(link, text::TAKE_JOB_IDS, args![count]).await?;
    let first_job = GlobalJobId(last_job + 1 - count);
    let head = &new.head;
    let values = args![
        new.project,
        iid,
        &new.cause,
        &new.git_ref,
        &new.sha,
        &new.before_sha,
        &new.source,
        &new.name,
        &new.plan_hash,
        &new.diagnostics,
        first_job,
        count,
        head.status,
        head.active,
        &head.state,
        head.started,
        head.finished,
        new.created,
    ];
    let id = PipelineId(number(link, text::INSERT, values).await?);
    if let Some(plan) = &new.plan {
        link.execute(text::INSERT_PLAN, args![id, plan]).await?;
    }
    job::insert(link, id, first_job, new).await?;
    outbox::insert(link, new.project, id, &new.effects).await?;
    Ok(CreatedPipeline {
        id,
        iid,
        first_job,
        fresh: true,
    })
}

async fn by_cause(
    link: &mut Link<'_>,
    new: &NewPipeline,
) -> Result<Option<CreatedPipeline>, StoreError> {
    let known = link
        .one(text::BY_CAUSE, args![new.project, &new.cause])
        .await?;
    let Some(row) = known else {
        return Ok(None);
    };
    let mut cells = row.cells();
    Ok(Some(CreatedPipeline {
        id: cells.next()?,
        iid: cells.next()?,
        first_job: cells.next()?,
        fresh: false,
    }))
}

/// The number that a statement answers.
async fn number(
    link: &mut Link<'_>,
    statement: &'static str,
    args: &[Arg<'_>],
) -> Result<u64, StoreError> {
    let nothing = || StoreError::Corrupt("a counter is missing".to_owned());
    link.one(statement, args).await?.ok_or_else(nothing)?.only()
}

async fn commit(link: &mut Link<'_>, change: &PipelineChange) -> Result<u64, StoreError> {
    let head = &change.head;
    let values = args![
        change.id,
        change.expected_version,
        head.status,
        head.active,
        &head.state,
        head.started,
        head.finished,
        change.now,
    ];
    let row = link.one(text::UPDATE, values).await?;
    let row = row.ok_or(StoreError::Conflict)?;
    let mut cells = row.cells();
    let project: ProjectId = cells.next()?;
    let (first, count) = (cells.next()?, cells.next()?);
    job::update(link, first, count, &change.jobs, change.now).await?;
    outbox::insert(link, project, change.id, &change.effects).await?;
    Ok(change.expected_version + 1)
}

impl Database {
    async fn load(&self, id: PipelineId) -> Result<Option<StoredPipeline>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        let mut link = snapshot.link();
        let Some(row) = link.one(text::BY_ID, args![id]).await? else {
            return Ok(None);
        };
        let row = pipeline(&row)?;
        let plan = link.one(text::PLAN, args![id]).await?;
        Ok(Some(StoredPipeline {
            plan: plan.map(|row| row.only()).transpose()?,
            jobs: job::range(&mut link, row.first_job, row.jobs).await?,
            row,
        }))
    }
}

#[async_trait]
impl Pipelines for Database {
    async fn create_pipeline(&self, new: &NewPipeline) -> Result<CreatedPipeline, StoreError> {
        limits::check("cause", &new.cause)?;
        limits::check("ref", &new.git_ref)?;
        outbox::check(&new.effects)?;
        let new = new.clone();
        self.write(work!(new; link => create(link, &new).await))
            .await
    }

    async fn load_pipeline(&self, id: PipelineId) -> Result<Option<StoredPipeline>, StoreError> {
        self.load(id).await
    }

    async fn pipeline(&self, id: PipelineId) -> Result<Option<PipelineRow>, StoreError> {
        let row = self.one(text::BY_ID, args![id]).await?;
        row.as_ref().map(pipeline).transpose()
    }

    async fn commit_pipeline(&self, change: &PipelineChange) -> Result<u64, StoreError> {
        outbox::check(&change.effects)?;
        let change = change.clone();
        self.write(work!(change; link => commit(link, &change).await))
            .await
    }

    async fn active_pipelines(&self) -> Result<Vec<PipelineId>, StoreError> {
        let rows = self.all(text::ACTIVE, args![]).await?;
        rows.iter().map(crate::db::Row::only).collect()
    }

    async fn active_pipelines_of(
        &self,
        project: ProjectId,
        git_ref: &str,
    ) -> Result<Vec<PipelineId>, StoreError> {
        let of = args![project, git_ref];
        let rows = self.all(text::ACTIVE_OF, of).await?;
        rows.iter().map(crate::db::Row::only).collect()
    }

    async fn pipelines(
        &self,
        filter: &PipelineFilter,
        page: Page,
    ) -> Result<Vec<PipelineRow>, StoreError> {
        let conditions = [
            ("project =", filter.project.map(Arg::from)),
            ("git_ref =", filter.git_ref.as_ref().map(Arg::from)),
            ("status =", filter.status.map(Arg::from)),
            ("id <", page.before.map(Arg::from)),
        ];
        let (statement, values) = sql::page(text::LIST, conditions, page.limit);
        let rows = self.all_built(statement, &values).await?;
        rows.iter().map(pipeline).collect()
    }

    async fn jobs_of(&self, pipeline: PipelineId) -> Result<Vec<JobRow>, StoreError> {
        self.jobs_of_pipeline(pipeline).await
    }

    async fn job(&self, id: GlobalJobId) -> Result<Option<JobRow>, StoreError> {
        self.job_by_id(id).await
    }

    async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Vec<JobRow>, StoreError> {
        self.job_page(filter, page).await
    }

    async fn job_by_token(&self, token: &TokenHash) -> Result<Option<TokenOwner>, StoreError> {
        self.token_owner(token).await
    }
}
