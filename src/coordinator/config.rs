//! How the coordinator behaves.

use std::time::Duration;

use aqueduct_core::time::Millis;

/// How the coordinator behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Longest time that a request for a job is held until there is one (runner-protocol 3.4: at most 50 s).
    pub poll: Duration,
    /// Without a sign of life for this long an attempt of our own runner is lost. It sends one at least every third of it.
    pub lease_time: Millis,
    /// The same for other runners, which send one every 30 s at most and may be told to wait longer (runner-protocol 4.3).
    pub foreign_lease_time: Millis,
    /// Pause that runners keep between two pieces of trace, in seconds.
    pub trace_interval: u64,
    /// Longest artifact, in bytes.
    pub artifact_limit: u64,
    /// Commits that a job fetches where `GIT_DEPTH` says nothing else.
    pub git_depth: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(50),
            lease_time: Millis::from_secs(90),
            foreign_lease_time: Millis::from_secs(10 * 60),
            trace_interval: 3,
            artifact_limit: 10 << 30,
            git_depth: 20,
        }
    }
}
