//! Runners and what registers them.

use aqueduct_core::{
    id::{ManagerId, ProjectId, RunnerId},
    token::TokenHash,
};
use aqueduct_ports::store::{
    AccessLevel, Manager, NewRunner, RegistrationToken, RunnerKind, RunnerRow, RunnerSettings,
    Runners, Seen, Sighting, StoreError,
};
use async_trait::async_trait;

use super::{limits, manager, project};
use crate::{
    Database,
    db::{Cells, Link, Row, args, name_taken, work},
    sql::runner as sql,
};

/// Tags in a text of their own: each ends with a line feed, which no tag holds.
fn join(tags: &[String]) -> String {
    let lines = tags.iter().map(|tag| tag.replace('\n', " ") + "\n");
    lines.collect()
}

fn split(tags: &str) -> Vec<String> {
    tags.lines().map(str::to_owned).collect()
}

const fn project_of(kind: RunnerKind) -> Option<ProjectId> {
    match kind {
        RunnerKind::Instance => None,
        RunnerKind::Project(id) => Some(id),
    }
}

fn kind(project: Option<ProjectId>) -> RunnerKind {
    project.map_or(RunnerKind::Instance, RunnerKind::Project)
}

fn settings(cells: &mut Cells<'_>) -> Result<RunnerSettings, StoreError> {
    Ok(RunnerSettings {
        description: cells.next()?,
        tags: split(&cells.next::<String>()?),
        run_untagged: cells.next()?,
        locked: cells.next()?,
        access_level: if cells.next()? {
            AccessLevel::RefProtected
        } else {
            AccessLevel::NotProtected
        },
        maximum_timeout: cells.next()?,
        paused: cells.next()?,
    })
}

fn runner(row: &Row) -> Result<RunnerRow, StoreError> {
    let mut cells = row.cells();
    Ok(RunnerRow {
        id: cells.next()?,
        kind: kind(cells.next()?),
        settings: settings(&mut cells)?,
        created: cells.next()?,
    })
}

fn registration(row: &Row) -> Result<RegistrationToken, StoreError> {
    let mut cells = row.cells();
    Ok(RegistrationToken {
        token: cells.next()?,
        kind: kind(cells.next()?),
        description: cells.next()?,
        created: cells.next()?,
    })
}

fn taken(error: StoreError) -> StoreError {
    name_taken(error, || "a runner's token of that text".to_owned())
}

async fn insert(link: &mut Link<'_>, new: &NewRunner) -> Result<RunnerRow, StoreError> {
    if let RunnerKind::Project(id) = new.kind {
        project::lock(link, id).await?;
    }
    let settings = &new.settings;
    let values = args![
        &new.token,
        project_of(new.kind),
        &settings.description,
        join(&settings.tags),
        settings.run_untagged,
        settings.locked,
        settings.access_level == AccessLevel::RefProtected,
        settings.maximum_timeout,
        settings.paused,
        new.created,
    ];
    let inserted = link.one(sql::INSERT, values).await.map_err(taken)?;
    runner(&inserted.ok_or(StoreError::Conflict)?)
}

async fn update(
    link: &mut Link<'_>,
    id: RunnerId,
    settings: &RunnerSettings,
) -> Result<bool, StoreError> {
    let values = args![
        id,
        &settings.description,
        join(&settings.tags),
        settings.run_untagged,
        settings.locked,
        settings.access_level == AccessLevel::RefProtected,
        settings.maximum_timeout,
        settings.paused,
    ];
    Ok(link.execute(sql::UPDATE, values).await? > 0)
}

async fn insert_registration(
    link: &mut Link<'_>,
    new: &RegistrationToken,
) -> Result<(), StoreError> {
    if let RunnerKind::Project(id) = new.kind {
        project::lock(link, id).await?;
    }
    let values = args![
        &new.token,
        project_of(new.kind),
        &new.description,
        new.created,
    ];
    let inserted = link.execute(sql::INSERT_REGISTRATION, values).await;
    inserted
        .map(drop)
        .map_err(|error| name_taken(error, || "the registration token".to_owned()))
}

#[async_trait]
impl Runners for Database {
    async fn create_runner(&self, new: &NewRunner) -> Result<RunnerRow, StoreError> {
        let new = new.clone();
        self.write(work!(new; link => insert(link, &new).await))
            .await
    }

    async fn runner(&self, id: RunnerId) -> Result<Option<RunnerRow>, StoreError> {
        let row = self.one(sql::BY_ID, args![id]).await?;
        row.as_ref().map(runner).transpose()
    }

    async fn runner_by_token(&self, token: &TokenHash) -> Result<Option<RunnerRow>, StoreError> {
        let row = self.one(sql::BY_TOKEN, args![token]).await?;
        row.as_ref().map(runner).transpose()
    }

    async fn runners(&self) -> Result<Vec<RunnerRow>, StoreError> {
        self.all(sql::ALL, args![])
            .await?
            .iter()
            .map(runner)
            .collect()
    }

    async fn update_runner(
        &self,
        id: RunnerId,
        settings: &RunnerSettings,
    ) -> Result<bool, StoreError> {
        let settings = settings.clone();
        self.write(work!(settings; link => update(link, id, &settings).await))
            .await
    }

    async fn reset_runner_token(
        &self,
        id: RunnerId,
        token: &TokenHash,
    ) -> Result<bool, StoreError> {
        let token = *token;
        let reset =
            self.write(work!(link => link.execute(sql::RESET_TOKEN, args![id, &token]).await));
        Ok(reset.await.map_err(taken)? > 0)
    }

    async fn delete_runner(&self, id: RunnerId) -> Result<bool, StoreError> {
        let deleted = self.write(work!(link => link.execute(sql::DELETE, args![id]).await));
        Ok(deleted.await? > 0)
    }

    async fn seen_manager(&self, sighting: &Sighting) -> Result<Seen, StoreError> {
        limits::check("system_id", &sighting.system_id)?;
        self.sight(sighting).await
    }

    async fn manager(&self, id: ManagerId) -> Result<Option<Manager>, StoreError> {
        let row = self.one(sql::MANAGER_BY_ID, args![id]).await?;
        row.as_ref().map(manager::manager).transpose()
    }

    async fn managers(&self, runner: RunnerId) -> Result<Vec<Manager>, StoreError> {
        let rows = self.all(sql::MANAGERS, args![runner]).await?;
        rows.iter().map(manager::manager).collect()
    }

    async fn delete_manager(&self, runner: RunnerId, system_id: &str) -> Result<bool, StoreError> {
        let name = system_id.to_owned();
        let deleted = self.write(
            work!(name; link => link.execute(sql::DELETE_MANAGER, args![runner, &name]).await),
        );
        Ok(deleted.await? > 0)
    }

    async fn create_registration_token(&self, token: &RegistrationToken) -> Result<(), StoreError> {
        let new = token.clone();
        self.write(work!(new; link => insert_registration(link, &new).await))
            .await
    }

    async fn registration_token(
        &self,
        token: &TokenHash,
    ) -> Result<Option<RegistrationToken>, StoreError> {
        let row = self.one(sql::REGISTRATION, args![token]).await?;
        row.as_ref().map(registration).transpose()
    }

    async fn registration_tokens(&self) -> Result<Vec<RegistrationToken>, StoreError> {
        let rows = self.all(sql::REGISTRATIONS, args![]).await?;
        rows.iter().map(registration).collect()
    }

    async fn delete_registration_token(&self, token: &TokenHash) -> Result<bool, StoreError> {
        let token = *token;
        let deleted =
            self.write(work!(link => link.execute(sql::DELETE_REGISTRATION, args![&token]).await));
        Ok(deleted.await? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_as_they_went() {
        let table: [&[&str]; 4] = [&[], &["a"], &["a", "b c", "ü,\"x"], &[""]];
        for tags in table {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            assert_eq!(split(&join(&tags)), tags);
        }
    }
}
