//! Traces: appended under a lease, read by anybody who may.

use aqueduct_core::time::Millis;
use aqueduct_ports::store::Appended;
use bytes::Bytes;

use super::{Change, Fleet, FleetError, Holder, Standing};

impl Fleet {
    /// Appends to the trace of an attempt, which is a sign of life too. The bytes are on disk when this returns. `None` beside a
    /// standing of [`Standing::Over`]: nothing was taken.
    pub async fn append_trace(
        &self,
        holder: &Holder,
        offset: u64,
        bytes: Bytes,
        lease_time: Millis,
    ) -> Result<(Standing, Option<Appended>), FleetError> {
        let standing = self.heartbeat(holder, lease_time).await?;
        if let Standing::Over(_) = standing {
            return Ok((standing, None));
        }
        let length = bytes.len() as u64;
        let (limit, now) = (self.shared.config.trace_limit, self.shared.clock.now());
        let appended = self
            .store()
            .append_trace(holder.attempt, offset, bytes, limit, now)
            .await?;
        if appended.head.received >= offset.saturating_add(length) {
            self.shared.counters.trace(length);
        }
        self.announce(Change::Trace {
            pipeline: holder.pipeline,
            attempt: holder.attempt,
        });
        Ok((standing, Some(appended)))
    }
}
