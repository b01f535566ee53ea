//! Heads.

use aqueduct_core::{id::ProjectId, time::Timestamp};
use aqueduct_ports::store::{Head, HeadChange, HeadMove, Heads, Observation, Put, StoreError};
use async_trait::async_trait;

use super::{inbox, limits, project};
use crate::{
    Database,
    db::{Link, Row, args, work},
    sql::head as sql,
};

fn head(row: &Row) -> Result<Head, StoreError> {
    let mut cells = row.cells();
    Ok(Head {
        name: cells.next()?,
        sha: cells.next()?,
        generation: cells.next()?,
        missing_since: cells.next()?,
        updated: cells.next()?,
    })
}

async fn observe(
    link: &mut Link<'_>,
    id: ProjectId,
    seen: &Observation,
) -> Result<u64, StoreError> {
    project::lock(link, id).await?;
    for change in &seen.changes {
        if apply(link, id, change, seen.now).await? == 0 {
            return Err(StoreError::Conflict);
        }
    }
    let mut new = 0;
    for delivery in &seen.deliveries {
        if let Put::Stored(_) = inbox::put(link, delivery).await? {
            new += 1;
        }
    }
    Ok(new)
}

/// How many rows it changed: none if the head isn't where the change was made from.
async fn apply(
    link: &mut Link<'_>,
    id: ProjectId,
    change: &HeadChange,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let name = &change.name;
    let Some(from) = &change.from else {
        let HeadMove::At(sha) = &change.to else {
            return Ok(0);
        };
        let row = link.one(sql::NEXT_GENERATION, args![]).await?;
        let nothing = || StoreError::Corrupt("the counter of generations is missing".to_owned());
        let generation: u64 = row.ok_or_else(nothing)?.only()?;
        let values = args![id, name, sha, generation, now];
        return link.execute(sql::INSERT, values).await;
    };
    match &change.to {
        HeadMove::At(sha) => {
            let values = args![id, name, from, sha, now];
            link.execute(sql::MOVE, values).await
        }
        HeadMove::Missing => link.execute(sql::MISSING, args![id, name, from, now]).await,
        HeadMove::Back => link.execute(sql::BACK, args![id, name, from, now]).await,
        HeadMove::Deleted => link.execute(sql::DELETE, args![id, name, from]).await,
    }
}

#[async_trait]
impl Heads for Database {
    async fn heads(&self, project: ProjectId) -> Result<Vec<Head>, StoreError> {
        let rows = self.all(sql::ALL, args![project]).await?;
        rows.iter().map(head).collect()
    }

    async fn head(&self, project: ProjectId, name: &str) -> Result<Option<Head>, StoreError> {
        let row = self.one(sql::ONE, args![project, name]).await?;
        row.as_ref().map(head).transpose()
    }

    async fn observe_heads(
        &self,
        project: ProjectId,
        observation: &Observation,
    ) -> Result<u64, StoreError> {
        for change in &observation.changes {
            limits::check("ref", &change.name)?;
        }
        for delivery in &observation.deliveries {
            inbox::check(delivery)?;
        }
        let seen = observation.clone();
        self.write(work!(seen; link => observe(link, project, &seen).await))
            .await
    }
}
