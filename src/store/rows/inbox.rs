//! The inbox.

use aqueduct_core::{id::EventId, time::Timestamp};
use aqueduct_ports::store::{Delivery, Inbox, NewDelivery, Put, StoreError};
use async_trait::async_trait;
use bytes::Bytes;

use super::{limits, project};
use crate::{
    Database,
    db::{Link, Row, args, work},
    sql::inbox as sql,
};

pub(super) fn check(new: &NewDelivery) -> Result<(), StoreError> {
    limits::check("delivery's source", &new.source)?;
    limits::check("delivery id", &new.delivery)?;
    limits::check("kind of delivery", &new.kind)
}

/// Stores a delivery of a project that is there.
pub(super) async fn put(link: &mut Link<'_>, new: &NewDelivery) -> Result<Put, StoreError> {
    let values = args![
        new.project,
        &new.source,
        &new.delivery,
        &new.kind,
        &*new.body,
        new.received,
    ];
    Ok(match link.one(sql::PUT, values).await? {
        Some(row) => Put::Stored(row.only()?),
        None => Put::Duplicate,
    })
}

async fn put_one(link: &mut Link<'_>, new: &NewDelivery) -> Result<Put, StoreError> {
    project::lock(link, new.project).await?;
    put(link, new).await
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let mut cells = row.cells();
    Ok(Delivery {
        id: cells.next()?,
        content: NewDelivery {
            project: cells.next()?,
            source: cells.next()?,
            delivery: cells.next()?,
            kind: cells.next()?,
            body: Bytes::from(cells.next::<Vec<u8>>()?),
            received: cells.next()?,
        },
        failures: cells.next()?,
        error: cells.next()?,
    })
}

#[async_trait]
impl Inbox for Database {
    async fn put_delivery(&self, new: &NewDelivery) -> Result<Put, StoreError> {
        check(new)?;
        let new = new.clone();
        self.write(work!(new; link => put_one(link, &new).await))
            .await
    }

    async fn next_deliveries(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = self.all(sql::NEXT, args![now, limit]).await?;
        rows.iter().map(delivery).collect()
    }

    async fn next_delivery_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.one(sql::NEXT_AT, args![]).await?;
        row.map_or(Ok(None), |row| row.only())
    }

    async fn delivery_done(
        &self,
        id: EventId,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let outcome = outcome.to_owned();
        let nothing: &[u8] = &[];
        self.write(
            work!(outcome; link => link.execute(sql::DONE, args![id, &outcome, now, nothing]).await.map(drop)),
        )
        .await
    }

    async fn delivery_failed(
        &self,
        id: EventId,
        error: &str,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let error = error.to_owned();
        self.write(
            work!(error; link => link.execute(sql::FAILED, args![id, &error, again]).await.map(drop)),
        )
        .await
    }

    async fn forget_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(work!(link => link.execute(sql::FORGET, args![before, limit]).await))
            .await
    }
}
