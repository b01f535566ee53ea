//! Reports, over any number of failures to reach the source of work.

use std::time::Duration;

use aqueduct_ports::work::{Lease, Report, WorkError, WorkSource};

use crate::keeper::{Keeper, Signal};

/// First pause between tries.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between tries.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Reports until it is taken or refused; for as long as the lease lives.
///
/// # Errors
/// [`WorkError::Stale`] when the lease is over, [`WorkError::TraceIncomplete`] as the source says it.
pub(crate) async fn report(
    source: &dyn WorkSource,
    lease: &Lease,
    make: impl Fn() -> Report,
    keeper: &Keeper,
) -> Result<(), WorkError> {
    let mut pause = MIN_PAUSE;
    loop {
        match source.report(lease, make()).await {
            Err(WorkError::Unavailable(cause)) => {
                tracing::warn!(attempt = %lease.key, cause, "can't report");
            }
            other => return other,
        }
        if keeper.now() == Signal::Lost {
            return Err(WorkError::Stale);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}
