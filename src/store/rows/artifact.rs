//! Artifacts, and the objects that no row names.

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId},
    time::Timestamp,
};
use aqueduct_ports::store::{Artifact, Artifacts, StoreError};
use async_trait::async_trait;

use super::limits;
use crate::{
    Database,
    db::{Link, Row, args, work},
    sql::artifact as sql,
};

fn artifact(row: &Row) -> Result<Artifact, StoreError> {
    let mut cells = row.cells();
    Ok(Artifact {
        attempt: GlobalAttempt {
            job: cells.next()?,
            attempt: cells.next()?,
        },
        kind: cells.next()?,
        format: cells.next()?,
        file_name: cells.next()?,
        size: cells.next()?,
        sha256: cells.next()?,
        object: cells.next()?,
        expires: cells.next()?,
        created: cells.next()?,
    })
}

/// Ends a reservation since a row names the object now; whether there was one.
pub(super) async fn take(link: &mut Link<'_>, key: &str) -> Result<bool, StoreError> {
    Ok(link.execute(sql::TAKE, args![key]).await? > 0)
}

async fn put(link: &mut Link<'_>, new: &Artifact) -> Result<(), StoreError> {
    let (job, attempt) = (new.attempt.job, new.attempt.attempt);
    let known = link
        .one(sql::OBJECT_OF, args![job, attempt, &new.kind])
        .await?;
    let known: Option<String> = known.map(|row| row.only()).transpose()?;
    if known.as_ref() != Some(&new.object) {
        if !take(link, &new.object).await? {
            return Err(StoreError::Conflict);
        }
        if let Some(replaced) = &known {
            let garbage = args![replaced, new.created];
            link.execute(sql::LOOSEN, garbage).await?;
        }
    }
    let values = args![
        job,
        attempt,
        &new.kind,
        &new.format,
        &new.file_name,
        new.size,
        &new.sha256,
        &new.object,
        new.expires,
        new.created,
    ];
    link.execute(sql::PUT, values).await.map(drop)
}

async fn expire(link: &mut Link<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let rows = link.all(sql::EXPIRED, args![now, limit]).await?;
    let mut removed = 0;
    for row in &rows {
        let mut cells = row.cells();
        let (job, attempt): (GlobalJobId, u32) = (cells.next()?, cells.next()?);
        let (kind, object): (String, String) = (cells.next()?, cells.next()?);
        let id = args![job, attempt, &kind, &object];
        if link.execute(sql::DELETE, id).await? > 0 {
            link.execute(sql::LOOSEN, args![&object, now]).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[async_trait]
impl Artifacts for Database {
    async fn reserve_object(&self, key: &str, until: Timestamp) -> Result<(), StoreError> {
        limits::check("object key", key)?;
        let key = key.to_owned();
        let reserved =
            self.write(work!(key; link => link.execute(sql::RESERVE, args![&key, until]).await));
        match reserved.await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    async fn put_artifact(&self, new: &Artifact) -> Result<(), StoreError> {
        limits::check("kind of artifact", &new.kind)?;
        let new = new.clone();
        self.write(work!(new; link => put(link, &new).await)).await
    }

    async fn artifacts_of(&self, attempt: GlobalAttempt) -> Result<Vec<Artifact>, StoreError> {
        let id = args![attempt.job, attempt.attempt];
        self.all(sql::OF, id).await?.iter().map(artifact).collect()
    }

    async fn artifacts_of_job(&self, job: GlobalJobId) -> Result<Vec<Artifact>, StoreError> {
        let rows = self.all(sql::OF_JOB, args![job]).await?;
        rows.iter().map(artifact).collect()
    }

    async fn expire_artifacts(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(work!(link => expire(link, now, limit).await))
            .await
    }

    async fn garbage(&self, now: Timestamp, limit: u32) -> Result<Vec<String>, StoreError> {
        let rows = self.all(sql::GARBAGE, args![now, limit]).await?;
        rows.iter().map(Row::only).collect()
    }

    async fn claim_garbage(&self, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        let key = key.to_owned();
        let claimed =
            self.write(work!(key; link => link.execute(sql::CLAIM, args![&key, now]).await));
        Ok(claimed.await? > 0)
    }

    async fn garbage_removed(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.write(work!(key; link => link.execute(sql::REMOVED, args![&key]).await.map(drop)))
            .await
    }
}
