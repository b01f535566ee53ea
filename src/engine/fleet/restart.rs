//! Going on after a stop, however that came.

use aqueduct_core::time::Millis;

use super::{Fleet, FleetError, live::RENEWAL_GRAIN};

impl Fleet {
    /// Loads every pipeline that was going on. Their leases are extended by the time that nobody could be reached, so that no
    /// runner is blamed for it. How many there are.
    ///
    /// # Errors
    /// If the store can't be read. A pipeline that can't be read is left out and logged: it must not keep the others from going on.
    pub async fn restart(&self) -> Result<usize, FleetError> {
        let now = self.shared.clock.now();
        let before = self.shared.store.alive(now).await?;
        let down = before.map_or(Millis(0), |before| now.since(before));
        // The last renewals may not have been stored.
        let by = Millis(down.0.saturating_add(RENEWAL_GRAIN.0));
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

    /// Notes that the coordinator lives; call it every few seconds.
    pub async fn alive(&self) -> Result<(), FleetError> {
        self.shared.store.alive(self.shared.clock.now()).await?;
        Ok(())
    }

    /// Jobs that wait for a runner, and attempts that runners have.
    pub fn load_now(&self) -> (usize, usize) {
        (self.shared.queue.len(), self.shared.holders.attempts())
    }
}
