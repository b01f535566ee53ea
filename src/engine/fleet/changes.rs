//! Telling those who watch that something changed.
//!
//! A change is told after it is stored, and only that it happened: who hears of it reads what is there now. So one that is missed costs nothing
//! but a look, and nobody who changes something ever waits for somebody who watches.

use aqueduct_core::id::{GlobalAttempt, PipelineId, ProjectId};
use tokio::sync::broadcast::{self, error::RecvError};

use super::Fleet;

/// Changes that wait for the slowest of those who watch. Whoever is slower is told that some were missed.
const WAITING: usize = 1024;

/// Something that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A pipeline was made, or its jobs moved.
    Pipeline {
        /// Its project.
        project: ProjectId,
        /// Which.
        pipeline: PipelineId,
    },
    /// A trace grew.
    Trace {
        /// Its pipeline.
        pipeline: PipelineId,
        /// Whose.
        attempt: GlobalAttempt,
    },
    /// Heads or environments of a project.
    Project {
        /// Which.
        project: ProjectId,
    },
}

/// What somebody who watches hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// This changed.
    Change(Change),
    /// More than could be told: anything may have changed.
    Missed,
}

/// All who watch.
pub(super) struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(WAITING))
    }
}

impl Changes {
    pub(super) fn announce(&self, change: Change) {
        // Nobody watching is the usual case.
        let _ = self.0.send(change);
    }
}

/// Somebody who watches, from the moment that this was made.
pub struct Watcher(broadcast::Receiver<Change>);

impl Watcher {
    /// The next change. Never ends while the fleet lives; afterwards it never resolves.
    pub async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Ok(change) => Heard::Change(change),
            Err(RecvError::Lagged(_)) => Heard::Missed,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Fleet {
    /// Hears of every change from now on.
    pub fn watch(&self) -> Watcher {
        Watcher(self.shared.changes.0.subscribe())
    }

    /// Tells of a change that is stored.
    pub fn announce(&self, change: Change) {
        self.shared.changes.announce(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_too_slow_is_told_so() {
        let changes = Changes::default();
        let mut watcher = Watcher(changes.0.subscribe());
        let change = |number| Change::Project {
            project: ProjectId(number),
        };
        changes.0.send(change(1)).unwrap();
        assert_eq!(watcher.next().await, Heard::Change(change(1)));
        for number in 0..=WAITING as u64 {
            changes.0.send(change(number)).unwrap();
        }
        assert_eq!(watcher.next().await, Heard::Missed);
        assert_eq!(watcher.next().await, Heard::Change(change(1)));
    }
}
