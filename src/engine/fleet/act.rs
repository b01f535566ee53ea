//! The one way a pipeline changes.

use std::sync::{Arc, PoisonError};

use aqueduct_core::{id::PipelineId, time::Timestamp};
use aqueduct_ports::store::{NewEffect, StoreError};

use super::{Fleet, FleetError, Slot, environment, live::Live};

/// How often a change is tried when others commit first. Each try means that another one succeeded.
const TRIES: usize = 64;

impl Fleet {
    /// Changes a pipeline and stores what changed before it answers. `act` may be called several times, each time on the state as it
    /// is stored then; an error of it undoes nothing, since every method of a pipeline is done completely or not at all.
    pub(super) async fn act<T>(
        &self,
        id: PipelineId,
        act: impl Fn(&mut Live, Timestamp) -> Result<T, FleetError> + Send,
    ) -> Result<T, FleetError> {
        let slot = self.slot(id);
        let mut place = slot.lock().await;
        for _ in 0..TRIES {
            let now = self.clock.now();
            let live = self.loaded(&mut place, id, now).await?;
            live.dirty = true;
            let answer = act(live, now);
            let outbox = live.pipeline.take_outbox();
            let effects = environment::effects(live, &outbox, now);
            match self.commit(live, effects, now).await {
                Ok(()) => {
                    if !live.row.head.active {
                        self.forget(id);
                    }
                    return answer;
                }
                Err(StoreError::Conflict) => *place = None,
                Err(error) => {
                    *place = None;
                    return Err(error.into());
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Looks at a pipeline without changing it.
    pub(super) async fn look<T>(
        &self,
        id: PipelineId,
        look: impl FnOnce(&Live, Timestamp) -> T + Send,
    ) -> Result<T, FleetError> {
        let slot = self.slot(id);
        let mut place = slot.lock().await;
        let now = self.clock.now();
        let live = self.loaded(&mut place, id, now).await?;
        let answer = look(live, now);
        if !live.row.head.active {
            self.forget(id);
        }
        Ok(answer)
    }

    async fn commit(
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
        let change = live
            .change(&changed, effects, now)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let version = self.store.commit_pipeline(&change).await?;
        if !change.effects.is_empty() {
            self.effects.notify_one();
        }
        for &at in &changed {
            self.counters.job(live, at, now);
        }
        live.committed(&changed, change.head, version);
        self.publish(live, changed);
        Ok(())
    }

    /// Makes what is stored now known inside: to those that wait for jobs, to the clock, to who checks tokens.
    pub(super) fn publish(&self, live: &mut Live, changed: impl IntoIterator<Item = usize>) {
        for at in changed {
            self.queue.update(live, at);
            self.holders.update(live, at);
            self.groups.update(live, at);
        }
        self.deadlines.update(live);
    }

    async fn loaded<'a>(
        &self,
        place: &'a mut Option<Live>,
        id: PipelineId,
        now: Timestamp,
    ) -> Result<&'a mut Live, FleetError> {
        match place {
            Some(live) if !live.dirty => {}
            _ => *place = Some(self.load(id, now).await?),
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

    pub(super) fn slot(&self, id: PipelineId) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(id).or_default())
    }

    /// Gives up the memory of a pipeline that ended. Who still waits for its slot loads it there; the version sees to the rest.
    fn forget(&self, id: PipelineId) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.remove(&id);
    }
}
