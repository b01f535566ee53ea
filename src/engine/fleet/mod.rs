//! Many pipelines over a store: what a coordinator does for runners and for people.
//!
//! [`Pipeline`](crate::pipeline::Pipeline) decides, [`Store`] remembers. Each change goes the same way: the pipeline is loaded (and
//! kept in memory while it is active), changed, committed under the version it was loaded with, and only then answered. What is asked of
//! it while a commit is under way goes into the next one together. Whoever commits second loads anew. So a kill at any moment loses nothing
//! that was answered, and what was not answered is asked again.
//!
//! Nothing here knows HTTP, SQL or an executor; time, randomness and the store are handed in.

mod act;
mod changes;
mod claim;
mod commit_status;
mod config;
mod control;
mod create;
mod deadline;
mod environment;
mod error;
#[cfg(test)]
mod fleet_tests;
mod fresh;
mod groups;
mod hold;
mod live;
mod pulse;
mod queue;
mod report;
mod restart;
mod shared;
mod slot;
mod supersede;
mod tally;
mod trace;
mod variables;
mod wait;
mod worker;

use std::sync::Arc;

use aqueduct_ports::{random::Random, store::Store};

pub use changes::{Change, Heard, Watcher};
pub use claim::{Claim, Claimer};
pub use commit_status::{COMMIT_STATUS, status_context};
pub use config::{FleetConfig, FleetPorts};
pub use create::PipelineRequest;
pub use environment::{ENVIRONMENT, EnvironmentChange, StopJob};
pub use error::FleetError;
pub use hold::Holder;
pub use report::{End, Standing};
pub use tally::{Tally, WAIT_BOUNDS};
pub use wait::{Offers, PipelineView};
pub use worker::{FleetArtifacts, FleetWork};

use fresh::Answers;
use shared::Shared;

/// All pipelines of a coordinator.
pub struct Fleet {
    shared: Arc<Shared>,
    random: Arc<dyn Random>,
    offers: Offers,
    answers: Answers,
}

impl Fleet {
    /// A fleet that knows of nothing yet; [`Self::restart`] loads what was going on.
    pub fn new(ports: FleetPorts, config: FleetConfig) -> Self {
        Self {
            shared: Arc::new(Shared::new(ports.store, ports.clock, config)),
            random: ports.random,
            offers: Offers::default(),
            answers: Answers::default(),
        }
    }

    /// Where runners and people reach the coordinator, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.shared.config.url
    }

    /// Resolves when there may be new effects in the outbox.
    pub async fn new_effects(&self) {
        self.shared.effects.notified().await;
    }

    /// Resolves when there may be new states of pipelines to tell.
    pub async fn new_statuses(&self) {
        self.shared.statuses.notified().await;
    }

    /// What it remembers with.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }
}
