//! Asking a running attempt to stop, from any task.

use std::time::{Duration, Instant};

use aqueduct_core::time::Millis;
use tokio::sync::watch;

/// A wish that an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// When patience ends and SIGKILL follows.
    pub(crate) kill_at: Instant,
    /// There is time for an `after_script`.
    pub(crate) gentle: bool,
}

/// The latest wish; a later one can only shorten the patience of an earlier one.
#[derive(Debug)]
pub(crate) struct StopSwitch(watch::Sender<Option<Stop>>);

impl StopSwitch {
    /// Nobody wants it to stop.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// SIGTERM now, SIGKILL after `grace`; no grace at all also skips what would run after the script.
    pub(crate) fn stop(&self, grace: Millis) {
        let wish = Stop {
            kill_at: Instant::now() + grace.to_std(),
            gentle: grace.0 > 0,
        };
        self.0.send_modify(|current| {
            *current = Some(current.map_or(wish, |earlier| Stop {
                kill_at: earlier.kill_at.min(wish.kill_at),
                gentle: earlier.gentle && wish.gentle,
            }));
        });
    }

    /// The wish as it stands.
    pub(crate) fn get(&self) -> Option<Stop> {
        *self.0.borrow()
    }

    /// Resolves once somebody wants it to stop.
    pub(crate) async fn wanted(&self) {
        // The sender is `self`, so waiting can't fail.
        let _ = self.subscribe().wait_for(Option::is_some).await;
    }

    /// Forgets a gentle wish before the phase that may still run: only a new one stops that.
    pub(crate) fn rearm(&self) {
        self.0
            .send_modify(|current| *current = current.filter(|stop| !stop.gentle));
    }

    /// For one phase to listen on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Stop>> {
        self.0.subscribe()
    }
}

/// How long a phase that must end at `deadline` has left; never negative.
pub(crate) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_wish_only_shortens_the_first() {
        let switch = StopSwitch::new();
        switch.stop(Millis::from_secs(5));
        let first = switch.get().unwrap();
        switch.stop(Millis::from_secs(50));
        assert_eq!(switch.get(), Some(first));
        switch.stop(Millis(0));
        let last = switch.get().unwrap();
        assert!(last.kill_at < first.kill_at && !last.gentle);
        switch.rearm();
        assert_eq!(switch.get(), Some(last), "a hard stop stays");
    }
}
