//! What a fleet's pipelines have in common: the store, the clock, and what is known of all of them at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aqueduct_core::{id::PipelineId, time::Timestamp};
use aqueduct_ports::{
    clock::Clock,
    store::{NewEffect, Store, StoreError},
};

use super::{
    COMMIT_STATUS, Change, FleetConfig, FleetError,
    changes::Changes,
    commit_status,
    deadline::Deadlines,
    groups::Groups,
    hold::Holders,
    live::{Live, is_held},
    pulse::Pulse,
    queue::Queue,
    slot::Slot,
    tally::Counters,
    trace::Tails,
};

/// Owned by the fleet, and by the tasks that work on its pipelines.
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: FleetConfig,
    pub(super) queue: Queue,
    pub(super) deadlines: Deadlines,
    pub(super) holders: Holders,
    pub(super) groups: Groups,
    pub(super) counters: Counters,
    pub(super) tails: Tails,
    pub(super) effects: tokio::sync::Notify,
    pub(super) statuses: tokio::sync::Notify,
    pub(super) changes: Changes,
    pub(super) pulse: Pulse,
    slots: Mutex<HashMap<PipelineId, Arc<Slot>>>,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, config: FleetConfig) -> Self {
        Self {
            store,
            clock,
            config,
            queue: Queue::default(),
            deadlines: Deadlines::default(),
            holders: Holders::default(),
            groups: Groups::default(),
            counters: Counters::default(),
            tails: Tails::default(),
            effects: tokio::sync::Notify::new(),
            statuses: tokio::sync::Notify::new(),
            changes: Changes::default(),
            pulse: Pulse::default(),
            slots: Mutex::default(),
        }
    }

    /// Stores what changed and makes it known inside.
    pub(super) async fn commit(
        &self,
        live: &mut Live,
        effects: Vec<NewEffect>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let changed = live.changed();
        if changed.is_empty() {
            live.dirty = false;
            // A lease that was renewed a little is not stored, but it moves the deadline.
            self.deadlines.update(live);
            return Ok(());
        }
        let mut effects = effects;
        let status = commit_status::of_change(live, now);
        effects.extend(status.filter(|_| self.config.commit_statuses));
        let change = live
            .change(&changed, effects, now)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let version = self.store.commit_pipeline(&change).await?;
        self.wake(&change.effects);
        for &at in &changed {
            self.counters.job(live, at, now);
        }
        live.committed(&changed, change.head, version);
        self.publish(live, changed);
        self.changes.announce(Change::Pipeline {
            project: live.row.project,
            pipeline: live.row.id,
        });
        Ok(())
    }

    /// Wakes who carries these effects out.
    pub(super) fn wake(&self, effects: &[NewEffect]) {
        let is_status = |effect: &NewEffect| effect.kind == COMMIT_STATUS;
        if effects.iter().any(is_status) {
            self.statuses.notify_one();
        }
        if !effects.iter().all(is_status) {
            self.effects.notify_one();
        }
    }

    /// Makes what is stored now known inside: to those that wait for jobs, to the clock, to who checks tokens.
    fn publish(&self, live: &mut Live, changed: impl IntoIterator<Item = usize>) {
        for at in changed {
            self.queue.update(live, at);
            self.holders.update(live, at);
            self.groups.update(live, at);
            if !is_held(live.pipeline.state().jobs[at].status) {
                self.tails.forget(live.job_id(at));
            }
        }
        self.deadlines.update(live);
    }

    /// The pipeline in its place, loaded if it isn't there as it is stored. One that can't be loaded keeps no place: anybody may ask
    /// for any number.
    pub(super) async fn loaded<'a>(
        &self,
        place: &'a mut Option<Live>,
        id: PipelineId,
        now: Timestamp,
    ) -> Result<&'a mut Live, FleetError> {
        match place {
            Some(live) if !live.dirty => {}
            _ => *place = Some(self.load(id, now).await.inspect_err(|_| self.forget(id))?),
        }
        place.as_mut().ok_or(FleetError::NoPipeline(id))
    }

    async fn load(&self, id: PipelineId, now: Timestamp) -> Result<Live, FleetError> {
        let stored = self.store.load_pipeline(id).await?;
        let stored = stored.ok_or(FleetError::NoPipeline(id))?;
        let project = self.store.project(stored.row.project).await?;
        let path = project.map_or_else(String::new, |project| project.path);
        let mut live = Live::load(stored, path, &self.config, now)?;
        let all = 0..live.tenures.len();
        self.publish(&mut live, all);
        Ok(live)
    }

    pub(super) fn slot(&self, id: PipelineId) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(id).or_default())
    }

    /// Gives up the memory of a pipeline that ended. Who still waits for its slot loads it there; the version sees to the rest.
    pub(super) fn forget(&self, id: PipelineId) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.remove(&id);
    }

    /// How many pipelines have a place in memory.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.len()
    }
}
