//! How a fleet is run.

use std::sync::Arc;

use aqueduct_core::{run::Limits, time::Millis};
use aqueduct_ports::{clock::Clock, random::Random, store::Store};

/// What a fleet stands on.
pub struct FleetPorts {
    /// What it remembers with.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes tokens.
    pub random: Arc<dyn Random>,
}

/// How a fleet is run.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    /// Where runners and people reach the coordinator, without a slash at the end: `https://ci.example.com`.
    pub url: String,
    /// Deadlines and budgets of every pipeline.
    pub limits: Limits,
    /// A job that was handed out and of which nothing is heard for this long is handed out again, at nobody's cost.
    pub claim_time: Millis,
    /// Longest trace that is kept of an attempt, in bytes.
    pub trace_limit: u64,
    /// Pipelines' states are told to the forges of their commits.
    pub commit_statuses: bool,
}

impl FleetConfig {
    /// Defaults for a coordinator at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            limits: Limits::default(),
            claim_time: Millis::from_secs(60),
            trace_limit: 100 << 20,
            commit_statuses: false,
        }
    }
}
