//! Managers: the machines and processes of a runner.

use aqueduct_core::id::ManagerId;
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
    let id = args![sighting.runner, &sighting.system_id];
    let mut row = link.one(sql::LOCK_MANAGER, id).await?;
    if row.is_none() {
        if let Some(manager) = insert(link, sighting).await? {
            return Ok(Seen {
                manager,
                replaced: None,
            });
        }
        // Another call was faster.
        row = link.one(sql::LOCK_MANAGER, id).await?;
    }
    let known = manager(&row.ok_or(StoreError::Conflict)?)?;
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

/// `None` if it is there. The runner's own row is not locked: many machines of one begin at the same time.
async fn insert(link: &mut Link<'_>, sighting: &Sighting) -> Result<Option<ManagerId>, StoreError> {
    let values = args![
        sighting.runner,
        &sighting.system_id,
        &sighting.instance,
        &sighting.info,
        sighting.now,
    ];
    match link.one(sql::INSERT_MANAGER, values).await {
        Err(StoreError::Missing(_)) => {
            let runner = format!("runner {}", sighting.runner);
            Err(StoreError::Missing(runner))
        }
        inserted => inserted?.map(|row| row.only()).transpose(),
    }
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
