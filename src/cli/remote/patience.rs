//! A coordinator that is away while something is watched comes back: it is asked again.

use std::time::Duration;

use super::RemoteError;
use crate::{output, render::harmless};

/// Pauses between two tries: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Waits out what passes, once the coordinator has answered at all.
#[derive(Debug)]
pub(crate) struct Patience {
    ever: bool,
    pause: Duration,
}

impl Patience {
    /// Nothing was answered yet.
    pub(crate) const fn new() -> Self {
        Self {
            ever: false,
            pause: PAUSES.0,
        }
    }

    /// It answered.
    pub(crate) const fn answered(&mut self) {
        *self = Self {
            ever: true,
            pause: PAUSES.0,
        };
    }

    /// Waits before the next try, longer each time; gives the error back where there is none.
    pub(crate) async fn wait(&mut self, error: RemoteError) -> Result<(), RemoteError> {
        if !self.ever || !error.is_passing() {
            return Err(error);
        }
        if self.pause > PAUSES.0 * 2 && self.pause <= PAUSES.0 * 4 {
            let error = crate::error::CliError::from(error);
            output::note(&format!("{}; trying again", harmless(&error.message)));
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        Ok(())
    }
}
