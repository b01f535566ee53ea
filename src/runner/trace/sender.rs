//! Appends to the stored trace by offset, over any number of failures.

use std::{path::PathBuf, sync::Arc, time::Duration};

use aqueduct_ports::work::{Lease, WorkError, WorkSource};

use super::spool::Spool;

/// Largest piece of one call (GitLab's runner protocol, section 4.2).
const MAX_CHUNK: usize = 1024 * 1024;
/// First pause between tries; doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between tries.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Sends one trace; one call at a time.
pub(crate) struct Sender {
    source: Arc<dyn WorkSource>,
    lease: Lease,
    /// Bytes that were acknowledged.
    stored: u64,
    /// All bytes, should the store turn out to have lost some after all.
    spool: Spool,
    /// The lease is over: nobody wants the rest.
    stale: bool,
}

impl Sender {
    /// `spool_dir` has room for a trace that is long.
    pub(crate) fn new(
        source: Arc<dyn WorkSource>,
        lease: Lease,
        spool_dir: Option<PathBuf>,
    ) -> Self {
        Self {
            source,
            lease,
            stored: 0,
            spool: Spool::new(spool_dir),
            stale: false,
        }
    }

    /// Bytes of the trace so far.
    pub(crate) fn offset(&self) -> u64 {
        self.spool.end()
    }

    /// Appends `bytes` and returns when everything is stored, or the lease is over.
    ///
    /// Keeps on trying for as long as the lease lives. Dropping the future loses nothing: what isn't stored stays here for
    /// the next call.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.spool.push(bytes);
        let mut pause = MIN_PAUSE;
        while self.stored < self.spool.end() && !self.stale {
            let sent = match self.spool.read(self.stored, MAX_CHUNK).await {
                Ok(chunk) => {
                    self.source
                        .append_trace(&self.lease, self.stored, chunk)
                        .await
                }
                Err(error) => Err(WorkError::Unavailable(error.to_string())),
            };
            match sent {
                Ok(stored) if self.acknowledge(stored).await => pause = MIN_PAUSE,
                Err(WorkError::Stale) => self.stale = true,
                Ok(_) | Err(WorkError::Unavailable(_) | WorkError::TraceIncomplete { .. }) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    /// Moves to what the store says it has; false if that is nothing new.
    async fn acknowledge(&mut self, stored: u64) -> bool {
        if stored < self.stored {
            // It went back: the next piece is what it has lost.
            self.rewind(stored);
            return false;
        }
        let new = stored > self.stored;
        self.stored = stored.min(self.spool.end());
        self.spool.acknowledged(self.stored).await;
        new
    }

    /// Goes back to the `stored` bytes that the store has; false if those that it lost are no longer here.
    pub(crate) fn rewind(&mut self, stored: u64) -> bool {
        if !self.spool.has(stored) {
            tracing::error!(attempt = %self.lease.key, stored, acknowledged = self.stored, "the stored trace became shorter");
            return false;
        }
        self.stored = stored.min(self.stored);
        true
    }
}
