//! The one way a pipeline changes.

use std::sync::Arc;

use aqueduct_core::{id::PipelineId, time::Timestamp};
use aqueduct_ports::store::StoreError;

use super::{
    Fleet, FleetError, environment,
    live::Live,
    shared::Shared,
    slot::{Slot, Step, Tending, step},
};

/// How often a change is tried when others commit first. Each try means that another one succeeded.
const TRIES: usize = 64;

impl Fleet {
    /// Changes a pipeline and stores what changed before it answers. What is asked while a commit is under way is done and stored
    /// together after it. It goes on if the caller goes away, but is not begun for a caller that has gone. `act` may be called
    /// several times, each time on the state as it is stored then; an error of it undoes nothing, since every method of a pipeline is
    /// done completely or not at all.
    pub(super) async fn act<T: Send + 'static>(
        &self,
        id: PipelineId,
        act: impl Fn(&mut Live, Timestamp) -> Result<T, FleetError> + Send + 'static,
    ) -> Result<T, FleetError> {
        let slot = self.shared.slot(id);
        let (step, answer) = step(act);
        if slot.ask(step) {
            tokio::spawn(work_off(Arc::clone(&self.shared), id, slot));
        }
        let stopped = || StoreError::Unavailable("the change was given up".to_owned());
        answer.await.unwrap_or_else(|_| Err(stopped().into()))
    }

    /// Looks at a pipeline without changing it.
    pub(super) async fn look<T>(
        &self,
        id: PipelineId,
        look: impl FnOnce(&Live, Timestamp) -> T + Send,
    ) -> Result<T, FleetError> {
        let slot = self.shared.slot(id);
        let mut place = slot.live.lock().await;
        let now = self.shared.clock.now();
        let live = self.shared.loaded(&mut place, id, now).await?;
        let answer = look(live, now);
        if !live.row.head.active {
            self.shared.forget(id);
        }
        Ok(answer)
    }
}

/// Does what is asked of a pipeline until nothing is.
async fn work_off(shared: Arc<Shared>, id: PipelineId, slot: Arc<Slot>) {
    let tending = Tending(&slot);
    while let Some(mut steps) = tending.next() {
        let mut place = slot.live.lock().await;
        let stored = take(&shared, id, &mut place, &mut steps).await;
        drop(place);
        for step in steps {
            step.answer(stored.clone());
        }
    }
}

/// Carries steps out in one commit.
async fn take(
    shared: &Shared,
    id: PipelineId,
    place: &mut Option<Live>,
    steps: &mut [Box<dyn Step>],
) -> Result<(), FleetError> {
    for _ in 0..TRIES {
        let now = shared.clock.now();
        let live = shared.loaded(place, id, now).await?;
        live.dirty = true;
        for step in steps.iter_mut().filter(|step| step.is_wanted()) {
            step.run(live, now);
        }
        let outbox = live.pipeline.take_outbox();
        let effects = environment::effects(live, &outbox, now);
        match shared.commit(live, effects, now).await {
            Ok(()) => {
                if !live.row.head.active {
                    shared.forget(id);
                }
                return Ok(());
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
