//! Whether the coordinator has been able to work, as far as it can tell itself.
//!
//! While the store is away, the machine sleeps or its clock is set, no runner can extend its lease, and none is to be blamed for that.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aqueduct_core::time::{Millis, Timestamp};
use aqueduct_ports::store::StoreError;

use super::{Fleet, FleetError};

/// Between two signs of life of the coordinator there are a few seconds. After a longer gap nobody could be heard.
const GAP: Millis = Millis::from_secs(20);

/// The last sign of life.
#[derive(Default)]
pub(super) struct Pulse {
    /// When it was stored.
    last: tokio::sync::Mutex<Option<Timestamp>>,
    /// Why the latest could not be.
    trouble: Mutex<Option<StoreError>>,
}

impl Pulse {
    fn trouble(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// Notes that the coordinator lives; call it every few seconds. After a longer gap all leases are extended by it.
    ///
    /// # Errors
    /// If the store fails; then nothing was extended, and the next call does it.
    pub async fn alive(&self) -> Result<(), FleetError> {
        self.beat(Millis(0)).await
    }

    /// Before anything is found to be overdue: whether it was, or the coordinator was away.
    pub(super) async fn heard(&self) -> Result<(), FleetError> {
        self.beat(GAP).await
    }

    /// Why the coordinator can't work at present.
    pub fn trouble(&self) -> Option<StoreError> {
        self.shared.pulse.trouble().clone()
    }

    /// A sign of life if the last is at least `age` old. The first is due to [`Self::alive`] alone.
    async fn beat(&self, age: Millis) -> Result<(), FleetError> {
        let mut last = self.shared.pulse.last.lock().await;
        let now = self.shared.clock.now();
        let Some(before) = *last else {
            // A start has extended the leases itself.
            if age == Millis(0) {
                self.note(now).await?;
                *last = Some(now);
            }
            return Ok(());
        };
        let gap = now.since(before);
        if gap < age {
            return Ok(());
        }
        self.note(now).await?;
        if gap >= GAP {
            tracing::warn!(
                seconds = gap.0 / 1000,
                "nobody could be heard for a while; leases are extended by it"
            );
            self.extend(gap).await?;
        }
        *last = Some(now);
        Ok(())
    }

    async fn note(&self, now: Timestamp) -> Result<(), StoreError> {
        let noted = self.shared.store.alive(now).await;
        *self.shared.pulse.trouble() = noted.as_ref().err().cloned();
        noted.map(drop)
    }

    /// Extends all leases; how many pipelines go on. One that can't be read is left out and logged: it must not keep the others
    /// from going on.
    pub(super) async fn extend(&self, by: Millis) -> Result<usize, FleetError> {
        let mut loaded = 0;
        for id in self.shared.store.active_pipelines().await? {
            let paused = self.act(id, move |live, now| {
                live.pipeline.paused(by, now);
                Ok(())
            });
            match paused.await {
                Ok(()) => loaded += 1,
                Err(FleetError::Store(error)) => return Err(error.into()),
                Err(error) => tracing::error!(pipeline = %id, %error, "it can't go on"),
            }
        }
        Ok(loaded)
    }
}
