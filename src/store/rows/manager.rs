//! Managers: the machines and processes of a runner.

use aqueduct_ports::store::{Manager, Seen, Sighting, StoreError};

use crate::{
    Database,
    db::{Link, Row, args, work},
    sql::runner as sql,
};

pub(super) fn manager(row: &Row) -> Result<Manager, StoreError> {
    let mut cells = row.cells();
    Ok(Manager {
        id: cells.next()?,
        runner: cells.next()?,
        system_id: cells.next()?,
        instance: cells.next()?,
        info: cells.next()?,
        created: cells.next()?,
        contacted: cells.next()?,
    })
}

/// Whether what is told differs from what is known; nothing told is nothing new.
fn differs(told: Option<&String>, known: Option<&String>) -> bool {
    told.is_some() && told != known
}

/// A poll that tells nothing new needs no write.
fn is_news(known: &Manager, sighting: &Sighting) -> bool {
    differs(sighting.instance.as_ref(), known.instance.as_ref())
        || differs(sighting.info.as_ref(), known.info.as_ref())
        || sighting.now.since(known.contacted) >= Manager::CONTACT_GRAIN
}

async fn write(link: &mut Link<'_>, sighting: &Sighting) -> Result<Seen, StoreError> {
    if link.execute(sql::LOCK, args![sighting.runner]).await? == 0 {
        let runner = format!("runner {}", sighting.runner);
        return Err(StoreError::Missing(runner));
    }
    let id = args![sighting.runner, &sighting.system_id];
    let Some(row) = link.one(sql::MANAGER, id).await? else {
        return insert(link, sighting).await;
    };
    let known = manager(&row)?;
    let values = args![
        known.id,
        &sighting.instance,
        &sighting.info,
        sighting.now.max(known.contacted),
    ];
    link.execute(sql::UPDATE_MANAGER, values).await?;
    let is_other = differs(sighting.instance.as_ref(), known.instance.as_ref());
    Ok(Seen {
        manager: known.id,
        replaced: known.instance.filter(|_| is_other),
    })
}

async fn insert(link: &mut Link<'_>, sighting: &Sighting) -> Result<Seen, StoreError> {
    let values = args![
        sighting.runner,
        &sighting.system_id,
        &sighting.instance,
        &sighting.info,
        sighting.now,
    ];
    let row = link.one(sql::INSERT_MANAGER, values).await?;
    Ok(Seen {
        manager: row.ok_or(StoreError::Conflict)?.only()?,
        replaced: None,
    })
}

impl Database {
    pub(super) async fn sight(&self, sighting: &Sighting) -> Result<Seen, StoreError> {
        let id = args![sighting.runner, &sighting.system_id];
        let row = self.one(sql::MANAGER, id).await?;
        if let Some(known) = row.as_ref().map(manager).transpose()?
            && !is_news(&known, sighting)
        {
            return Ok(Seen {
                manager: known.id,
                replaced: None,
            });
        }
        let sighting = sighting.clone();
        self.write(work!(sighting; link => write(link, &sighting).await))
            .await
    }
}
