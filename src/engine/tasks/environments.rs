//! Environments come into use, and are stopped with their branch or after their time.

use std::sync::Arc;

use aqueduct_core::{id::ProjectId, refs::unique_slug, time::Millis};
use aqueduct_ports::{
    clock::Clock,
    store::{DueEffect, Environment, EnvironmentState, Store, StoreError},
};
use tokio::time::sleep;

use super::backoff;
use crate::fleet::{Change, ENVIRONMENT, EnvironmentChange, Fleet, FleetError, StopJob};

/// Effects read at once, and environments stopped in one round.
const BATCH: u32 = 1000;
/// Longest sleep: so late an environment may stop by itself.
const LONGEST_SLEEP: Millis = Millis::from_secs(5);
/// Wait after a first failure, and the longest.
const WAIT: (Millis, Millis) = (Millis::from_secs(1), Millis::from_secs(300));

/// Keeps the record of environments, and stops those whose time has come.
pub struct Environments {
    fleet: Arc<Fleet>,
    clock: Arc<dyn Clock>,
}

impl Environments {
    /// One that hasn't begun.
    pub const fn new(fleet: Arc<Fleet>, clock: Arc<dyn Clock>) -> Self {
        Self { fleet, clock }
    }

    fn store(&self) -> &dyn Store {
        self.fleet.store().as_ref()
    }

    /// Does so for ever.
    pub async fn run(self: Arc<Self>) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "environments can't be kept up to date; it is tried again");
            }
            tokio::select! {
                () = self.fleet.new_effects() => {}
                () = sleep(LONGEST_SLEEP.to_std()) => {}
            }
        }
    }

    /// Carries out what jobs did to environments, then stops what has lived long enough.
    pub async fn round(&self) -> Result<(), FleetError> {
        let now = self.clock.now();
        for due in self.store().due_effects(now, BATCH).await? {
            if due.effect.kind == ENVIRONMENT {
                self.carry_out(&due).await?;
            }
        }
        for environment in self.store().environments_to_stop(now, BATCH).await? {
            self.stop(environment).await?;
        }
        Ok(())
    }

    async fn carry_out(&self, due: &DueEffect) -> Result<(), FleetError> {
        let done = match serde_json::from_str(&due.effect.body) {
            Ok(change) => self.apply(due, &change).await,
            Err(error) => {
                tracing::error!(effect = %due.id, %error, "an effect can't be read; it is dropped");
                Ok(())
            }
        };
        match done {
            Ok(()) => {
                self.store().effect_done(due.id).await?;
                self.tell(due.project);
            }
            Err(error) => {
                let wait = backoff::after(WAIT.0, due.failures + 1, WAIT.1);
                let again = self.clock.now() + wait;
                let error = error.to_string();
                self.store().effect_failed(due.id, &error, again).await?;
            }
        }
        Ok(())
    }

    async fn apply(&self, due: &DueEffect, change: &EnvironmentChange) -> Result<(), StoreError> {
        let known = self.store().environment(due.project, &change.name).await?;
        // An older deployment is heard of after a newer one only if it was tried again meanwhile.
        let newer = |known: &Environment| {
            known.updated > change.at || (change.stopped && known.on_stop != Some(change.job))
        };
        if known.as_ref().is_some_and(newer) || (change.stopped && known.is_none()) {
            return Ok(());
        }
        let Some(row) = self.store().pipeline(due.pipeline).await? else {
            return Ok(());
        };
        let head = self.store().head(due.project, &row.git_ref).await?;
        let version = known.as_ref().map_or(0, |known| known.version);
        let mut next = known.unwrap_or_else(|| Environment {
            project: due.project,
            name: change.name.clone(),
            version,
            slug: change.slug.clone(),
            tier: change.tier.clone(),
            state: EnvironmentState::Available,
            url: None,
            git_ref: row.git_ref.clone(),
            generation: None,
            deployed_by: None,
            on_stop: None,
            stops_at: None,
            updated: change.at,
        });
        next.updated = change.at;
        if change.stopped {
            next.state = EnvironmentState::Stopped;
            next.stops_at = None;
        } else {
            next.state = EnvironmentState::Available;
            next.tier.clone_from(&change.tier);
            next.url.clone_from(&change.url);
            next.git_ref = row.git_ref;
            next.generation = head.map(|head| head.generation);
            next.deployed_by = Some(change.job);
            next.on_stop = change.on_stop;
            next.stops_at = change.auto_stop_in.map(|after| change.at + after);
        }
        self.save(next).await
    }

    /// Two names with one slug: the later one gets a slug of its own.
    async fn save(&self, mut environment: Environment) -> Result<(), StoreError> {
        match self.store().save_environment(&environment).await {
            Err(StoreError::Taken(_)) => {
                environment.slug = unique_slug(&environment.name);
                self.store().save_environment(&environment).await?;
            }
            other => {
                other?;
            }
        }
        Ok(())
    }

    /// Stops what was deployed from a ref that is gone; how many environments that were.
    pub async fn stop_for_ref(
        &self,
        project: ProjectId,
        git_ref: &str,
    ) -> Result<usize, FleetError> {
        let all = self.store().environments(project).await?;
        let own = all
            .into_iter()
            .filter(|one| one.git_ref == git_ref && one.state != EnvironmentState::Stopped);
        let mut stopped = 0;
        for environment in own {
            self.stop(environment).await?;
            stopped += 1;
        }
        Ok(stopped)
    }

    /// Stops an environment: by its job, or by record where it has none. Again: no further effect.
    pub async fn stop(&self, mut environment: Environment) -> Result<(), FleetError> {
        environment.stops_at = None;
        environment.updated = self.clock.now();
        let Some(job) = environment.on_stop else {
            environment.state = EnvironmentState::Stopped;
            self.store().save_environment(&environment).await?;
            self.tell(environment.project);
            return Ok(());
        };
        // First, so that a kill in between is followed by the same again.
        environment.state = EnvironmentState::Stopping;
        environment.version = self.store().save_environment(&environment).await?;
        let over = match self.fleet.start_stop_job(job).await {
            Ok(StopJob::Started) => false,
            Ok(StopJob::Done | StopJob::Impossible)
            | Err(FleetError::NoJob | FleetError::NoPipeline(_)) => true,
            Err(error) => return Err(error),
        };
        if over {
            environment.state = EnvironmentState::Stopped;
            self.store().save_environment(&environment).await?;
        }
        self.tell(environment.project);
        Ok(())
    }

    fn tell(&self, project: ProjectId) {
        self.fleet.announce(Change::Project { project });
    }
}
