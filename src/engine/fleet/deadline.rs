//! When which pipeline moves by itself.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{id::PipelineId, time::Timestamp};
use tokio::sync::Notify;

use super::{Fleet, FleetError, live::Live};

/// The next deadline of each pipeline in memory.
#[derive(Default)]
pub(super) struct Deadlines {
    known: Mutex<Known>,
    sooner: Notify,
}

#[derive(Default)]
struct Known {
    in_order: BTreeSet<(Timestamp, PipelineId)>,
    by_pipeline: HashMap<PipelineId, Timestamp>,
}

impl Deadlines {
    /// Notes when a pipeline moves next; one that has ended is forgotten.
    pub(super) fn update(&self, live: &mut Live) {
        let (id, next) = (live.row.id, live.pipeline.next_deadline());
        let mut known = self.lock();
        let first = known.in_order.first().copied();
        if let Some(old) = known.by_pipeline.remove(&id) {
            known.in_order.remove(&(old, id));
        }
        if let Some(next) = next {
            known.by_pipeline.insert(id, next);
            known.in_order.insert((next, id));
        }
        if known.in_order.first().copied() != first {
            self.sooner.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// The next deadline of any pipeline.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.shared
            .deadlines
            .lock()
            .in_order
            .first()
            .map(|(at, _)| *at)
    }

    /// Resolves when the next deadline is another one.
    pub async fn deadline_changed(&self) {
        self.shared.deadlines.sooner.notified().await;
    }

    /// Brings about everything that is due; how many pipelines that concerned. What seems due because the coordinator itself could not
    /// work, or its clock was set forward, is not.
    ///
    /// # Errors
    /// If the store is away; else the first one, after all were tried.
    pub async fn tick(&self) -> Result<usize, FleetError> {
        self.heard().await?;
        let now = self.shared.clock.now();
        let due: Vec<PipelineId> = {
            let known = self.shared.deadlines.lock();
            let due = known.in_order.iter().take_while(|(at, _)| *at <= now);
            due.map(|(_, id)| *id).collect()
        };
        let mut first_error = None;
        for id in &due {
            let ticked = self.act(*id, |live, now| {
                live.pipeline.tick(now);
                Ok(())
            });
            if let Err(error) = ticked.await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(due.len()), Err)
    }
}
