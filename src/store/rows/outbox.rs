//! The outbox.

use aqueduct_core::{
    id::{EffectId, PipelineId, ProjectId},
    time::Timestamp,
};
use aqueduct_ports::store::{DueEffect, NewEffect, Outbox, StoreError};
use async_trait::async_trait;

use super::limits;
use crate::{
    Database,
    db::{Link, Row, args, work},
    sql::outbox as sql,
};

pub(super) fn check(effects: &[NewEffect]) -> Result<(), StoreError> {
    for effect in effects {
        limits::check("kind of effect", &effect.kind)?;
        limits::check("subject", effect.subject.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

/// Adds the effects of a pipeline's change, in order; each takes the place of what its subject still had to do.
pub(super) async fn insert(
    link: &mut Link<'_>,
    project: ProjectId,
    pipeline: PipelineId,
    effects: &[NewEffect],
) -> Result<(), StoreError> {
    for effect in effects {
        if effect.subject.is_some() {
            let subject = args![project, &effect.subject];
            link.execute(sql::REPLACE, subject).await?;
        }
        let values = args![
            project,
            pipeline,
            &effect.kind,
            &effect.subject,
            &effect.body,
            effect.due,
        ];
        link.execute(sql::INSERT, values).await?;
    }
    Ok(())
}

fn effect(row: &Row) -> Result<DueEffect, StoreError> {
    let mut cells = row.cells();
    Ok(DueEffect {
        id: cells.next()?,
        project: cells.next()?,
        pipeline: cells.next()?,
        effect: NewEffect {
            kind: cells.next()?,
            subject: cells.next()?,
            body: cells.next()?,
            due: cells.next()?,
        },
        failures: cells.next()?,
        error: cells.next()?,
    })
}

#[async_trait]
impl Outbox for Database {
    async fn due_effects(&self, now: Timestamp, limit: u32) -> Result<Vec<DueEffect>, StoreError> {
        let rows = self.all(sql::DUE, args![now, limit]).await?;
        rows.iter().map(effect).collect()
    }

    async fn next_effect_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.one(sql::NEXT_AT, args![]).await?;
        row.map_or(Ok(None), |row| row.only())
    }

    async fn effect_done(&self, id: EffectId) -> Result<(), StoreError> {
        self.write(work!(link => link.execute(sql::DONE, args![id]).await.map(drop)))
            .await
    }

    async fn effect_failed(
        &self,
        id: EffectId,
        error: &str,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let error = error.to_owned();
        self.write(
            work!(error; link => link.execute(sql::FAILED, args![id, &error, again]).await.map(drop)),
        )
        .await
    }
}
