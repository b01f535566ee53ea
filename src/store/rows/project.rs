//! Projects.

use aqueduct_core::{id::ProjectId, time::Timestamp};
use aqueduct_ports::store::{NewProject, Project, Projects, StoreError};
use async_trait::async_trait;

use super::limits;
use crate::{
    Database,
    db::{Link, Row, args, name_taken, work},
    sql::project as sql,
};

fn project(row: &Row) -> Result<Project, StoreError> {
    let mut cells = row.cells();
    Ok(Project {
        id: cells.next()?,
        version: cells.next()?,
        path: cells.next()?,
        git_url: cells.next()?,
        default_branch: cells.next()?,
        interval: cells.next()?,
        settings: cells.next()?,
        created: cells.next()?,
    })
}

/// Locks a project until the transaction ends. [`StoreError::Missing`] if it isn't there.
pub(super) async fn lock(link: &mut Link<'_>, id: ProjectId) -> Result<(), StoreError> {
    if link.execute(sql::LOCK, args![id]).await? == 0 {
        return Err(StoreError::Missing(format!("project {id}")));
    }
    Ok(())
}

async fn insert(link: &mut Link<'_>, new: &NewProject) -> Result<Project, StoreError> {
    let values = args![
        &new.path,
        &new.git_url,
        &new.default_branch,
        new.interval,
        &new.settings,
        new.created,
    ];
    let inserted = link.one(sql::INSERT, values).await;
    let row = inserted.map_err(|error| name_taken(error, || format!("project {}", new.path)))?;
    project(&row.ok_or(StoreError::Conflict)?)
}

async fn update(link: &mut Link<'_>, new: &Project) -> Result<u64, StoreError> {
    let values = args![
        new.id,
        new.version,
        &new.path,
        &new.git_url,
        &new.default_branch,
        new.interval,
        &new.settings,
    ];
    let updated = link.one(sql::UPDATE, values).await;
    let row = updated.map_err(|error| name_taken(error, || format!("project {}", new.path)))?;
    row.ok_or(StoreError::Conflict)?.only()
}

async fn delete(link: &mut Link<'_>, id: ProjectId, now: Timestamp) -> Result<bool, StoreError> {
    match lock(link, id).await {
        Err(StoreError::Missing(_)) => return Ok(false),
        locked => locked?,
    }
    if link.one(sql::HAS_ACTIVE, args![id]).await?.is_some() {
        return Err(StoreError::Conflict);
    }
    link.execute(sql::DELETE_ENVIRONMENTS, args![id]).await?;
    link.execute(sql::DELETE_HEADS, args![id]).await?;
    link.execute(sql::DELETE_WAITING, args![id]).await?;
    link.execute(sql::DELETE, args![id, now]).await?;
    Ok(true)
}

#[async_trait]
impl Projects for Database {
    async fn create_project(&self, new: &NewProject) -> Result<Project, StoreError> {
        limits::check("path", &new.path)?;
        let new = new.clone();
        self.write(work!(new; link => insert(link, &new).await))
            .await
    }

    async fn project(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        let row = self.one(sql::BY_ID, args![id]).await?;
        row.as_ref().map(project).transpose()
    }

    async fn project_by_path(&self, path: &str) -> Result<Option<Project>, StoreError> {
        let row = self.one(sql::BY_PATH, args![path]).await?;
        row.as_ref().map(project).transpose()
    }

    async fn projects(&self) -> Result<Vec<Project>, StoreError> {
        let rows = self.all(sql::ALL, args![]).await?;
        rows.iter().map(project).collect()
    }

    async fn update_project(&self, new: &Project) -> Result<u64, StoreError> {
        limits::check("path", &new.path)?;
        let new = new.clone();
        self.write(work!(new; link => update(link, &new).await))
            .await
    }

    async fn delete_project(&self, id: ProjectId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(work!(link => delete(link, id, now).await)).await
    }
}
