//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use aqueduct_core::time::Timestamp;
use aqueduct_ports::clock::Clock;

/// Reads the system's time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
