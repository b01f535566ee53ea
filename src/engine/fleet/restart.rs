//! Going on after a stop, however that came.

use aqueduct_core::time::{Millis, Timestamp};

use super::{Fleet, FleetError, live::RENEWAL_GRAIN};

impl Fleet {
    /// Loads every pipeline that was going on. Their leases are extended by the time that nobody could be reached, so that no
    /// runner is blamed for it. How many there are.
    ///
    /// # Errors
    /// If the store can't be read. A pipeline that can't be read is left out and logged: it must not keep the others from going on.
    pub async fn restart(&self) -> Result<usize, FleetError> {
        // Noted at the end: a kill on the way there must not make the stop look shorter.
        let before = self.shared.store.alive(Timestamp(0)).await?;
        let now = self.shared.clock.now();
        let down = before.map_or(Millis(0), |before| now.since(before));
        // The last renewals may not have been stored.
        let by = Millis(down.0.saturating_add(RENEWAL_GRAIN.0));
        let loaded = self.extend(by).await?;
        self.shared.store.alive(now).await?;
        Ok(loaded)
    }

    /// Jobs that wait for a runner, and attempts that runners have.
    pub fn load_now(&self) -> (usize, usize) {
        (self.shared.queue.len(), self.shared.holders.attempts())
    }
}
