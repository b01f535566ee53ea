//! Appends to the stored trace by offset, over any number of failures.

use std::{sync::Arc, time::Duration};

use aqueduct_ports::work::{Lease, WorkError, WorkSource};
use bytes::{Bytes, BytesMut};

/// Largest piece of one call (GitLab's runner protocol, section 4.2).
const MAX_CHUNK: usize = 1024 * 1024;
/// First pause between tries; doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between tries.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Acknowledged bytes that are kept, should the store turn out to have lost its latest ones after all.
const RETAIN: usize = 1024 * 1024;

/// Sends one trace; one call at a time.
pub(crate) struct Sender {
    source: Arc<dyn WorkSource>,
    lease: Lease,
    /// Bytes that were acknowledged.
    stored: u64,
    /// The latest of them.
    recent: BytesMut,
    /// What follows them and isn't stored yet.
    unsent: BytesMut,
    /// The lease is over: nobody wants the rest.
    stale: bool,
}

impl Sender {
    pub(crate) fn new(source: Arc<dyn WorkSource>, lease: Lease) -> Self {
        Self {
            source,
            lease,
            stored: 0,
            recent: BytesMut::new(),
            unsent: BytesMut::new(),
            stale: false,
        }
    }

    /// Bytes of the trace so far.
    pub(crate) fn offset(&self) -> u64 {
        self.stored + self.unsent.len() as u64
    }

    /// Appends `bytes` and returns when everything is stored, or the lease is over.
    ///
    /// Keeps on trying for as long as the lease lives. Dropping the future loses nothing: what isn't stored stays here for
    /// the next call.
    pub(crate) async fn send(&mut self, bytes: Bytes) {
        self.unsent.extend_from_slice(&bytes);
        let mut pause = MIN_PAUSE;
        while !self.unsent.is_empty() && !self.stale {
            let chunk = self.unsent.len().min(MAX_CHUNK);
            let chunk = Bytes::copy_from_slice(self.unsent.get(..chunk).unwrap_or_default());
            match self
                .source
                .append_trace(&self.lease, self.stored, chunk)
                .await
            {
                Ok(stored) if self.acknowledge(stored) => pause = MIN_PAUSE,
                Err(WorkError::Stale) => self.stale = true,
                Ok(_) | Err(WorkError::Unavailable(_) | WorkError::TraceIncomplete { .. }) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    /// Moves to what the store says it has; false if that is nothing new.
    fn acknowledge(&mut self, stored: u64) -> bool {
        if stored < self.stored {
            self.rewind(stored);
            return false;
        }
        let new = usize::try_from(stored - self.stored).unwrap_or(usize::MAX);
        let acknowledged = self.unsent.split_to(new.min(self.unsent.len()));
        self.recent.extend_from_slice(&acknowledged);
        let excess = self.recent.len().saturating_sub(RETAIN);
        let _ = self.recent.split_to(excess);
        self.stored = stored;
        new > 0
    }

    /// Goes back to the `stored` bytes that the store has; false if those that it lost are no longer here.
    pub(crate) fn rewind(&mut self, stored: u64) -> bool {
        let lost = usize::try_from(self.stored.saturating_sub(stored)).unwrap_or(usize::MAX);
        let Some(keep) = self.recent.len().checked_sub(lost) else {
            tracing::error!(attempt = %self.lease.key, stored, acknowledged = self.stored, "the stored trace became shorter");
            return false;
        };
        let mut again = self.recent.split_off(keep);
        again.unsplit(std::mem::take(&mut self.unsent));
        self.unsent = again;
        self.stored = stored;
        true
    }
}
