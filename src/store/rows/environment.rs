//! Environments.

use aqueduct_core::{id::ProjectId, time::Timestamp};
use aqueduct_ports::store::{Environment, EnvironmentState, Environments, StoreError};
use async_trait::async_trait;

use super::{limits, project};
use crate::{
    Database,
    db::{Arg, Link, Row, args, name_taken, work},
    sql::environment as sql,
};

const STATES: [(EnvironmentState, &str); 3] = [
    (EnvironmentState::Available, "available"),
    (EnvironmentState::Stopping, "stopping"),
    (EnvironmentState::Stopped, "stopped"),
];

const fn name_of(state: EnvironmentState) -> &'static str {
    match state {
        EnvironmentState::Available => STATES[0].1,
        EnvironmentState::Stopping => STATES[1].1,
        EnvironmentState::Stopped => STATES[2].1,
    }
}

fn state(name: &str) -> Result<EnvironmentState, StoreError> {
    let known = STATES.into_iter().find(|(_, known)| *known == name);
    let unknown = || StoreError::Corrupt(format!("{name:?} is no state of an environment"));
    known.map(|(state, _)| state).ok_or_else(unknown)
}

fn environment(row: &Row) -> Result<Environment, StoreError> {
    let mut cells = row.cells();
    Ok(Environment {
        project: cells.next()?,
        name: cells.next()?,
        version: cells.next()?,
        slug: cells.next()?,
        tier: cells.next()?,
        state: state(&cells.next::<String>()?)?,
        url: cells.next()?,
        git_ref: cells.next()?,
        generation: cells.next()?,
        deployed_by: cells.next()?,
        on_stop: cells.next()?,
        stops_at: cells.next()?,
        updated: cells.next()?,
    })
}

async fn save(link: &mut Link<'_>, new: &Environment) -> Result<u64, StoreError> {
    project::lock(link, new.project).await?;
    let values = args![
        new.project,
        &new.name,
        &new.slug,
        &new.tier,
        name_of(new.state),
        &new.url,
        &new.git_ref,
        new.generation,
        new.deployed_by,
        new.on_stop,
        new.stops_at,
        new.updated,
    ];
    let saved = if new.version == 0 {
        link.execute(sql::INSERT, values).await
    } else {
        let mut with_version = values.to_vec();
        with_version.push(Arg::from(new.version));
        link.execute(sql::UPDATE, &with_version).await
    };
    let what = || format!("an environment with the slug {}", new.slug);
    match saved.map_err(|error| name_taken(error, what))? {
        0 => Err(StoreError::Conflict),
        _ => Ok(new.version + 1),
    }
}

#[async_trait]
impl Environments for Database {
    async fn save_environment(&self, new: &Environment) -> Result<u64, StoreError> {
        limits::check("name of the environment", &new.name)?;
        limits::check("slug of the environment", &new.slug)?;
        let new = new.clone();
        self.write(work!(new; link => save(link, &new).await)).await
    }

    async fn environment(
        &self,
        project: ProjectId,
        name: &str,
    ) -> Result<Option<Environment>, StoreError> {
        let row = self.one(sql::ONE, args![project, name]).await?;
        row.as_ref().map(environment).transpose()
    }

    async fn environments(&self, project: ProjectId) -> Result<Vec<Environment>, StoreError> {
        let rows = self.all(sql::ALL, args![project]).await?;
        rows.iter().map(environment).collect()
    }

    async fn environments_to_stop(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Environment>, StoreError> {
        let rows = self.all(sql::TO_STOP, args![now, limit]).await?;
        rows.iter().map(environment).collect()
    }

    async fn delete_environment(
        &self,
        project: ProjectId,
        name: &str,
        version: u64,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let deleted = self.write(
            work!(name; link => link.execute(sql::DELETE, args![project, &name, version]).await),
        );
        Ok(deleted.await? > 0)
    }
}
