//! Many pipelines over a store: what a coordinator does for runners and for people.
//!
//! [`Pipeline`](crate::pipeline::Pipeline) decides, [`Store`] remembers. Each change goes the same way: the pipeline is loaded (and
//! kept in memory while it is active), changed, committed under the version it was loaded with, and only then answered. Whoever
//! commits second loads anew. So a kill at any moment loses nothing that was answered, and what was not answered is asked again.
//!
//! Nothing here knows HTTP, SQL or an executor; time, randomness and the store are handed in.

mod act;
mod claim;
mod config;
mod control;
mod create;
mod deadline;
mod environment;
mod error;
#[cfg(test)]
mod fleet_tests;
mod groups;
mod hold;
mod live;
mod queue;
mod report;
mod restart;
mod supersede;
mod tally;
mod trace;
mod variables;
mod wait;
mod worker;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use aqueduct_core::id::PipelineId;
use aqueduct_ports::{clock::Clock, random::Random, store::Store};

pub use claim::{Claim, Claimer};
pub use config::{FleetConfig, FleetPorts};
pub use create::PipelineRequest;
pub use environment::{ENVIRONMENT, EnvironmentChange, StopJob};
pub use error::FleetError;
pub use hold::Holder;
pub use report::{End, Standing};
pub use tally::{Tally, WAIT_BOUNDS};
pub use wait::Offers;
pub use worker::{FleetArtifacts, FleetWork};

use deadline::Deadlines;
use groups::Groups;
use hold::Holders;
use live::Live;
use queue::Queue;
use tally::Counters;

/// A pipeline's place in memory; empty until it is loaded.
type Slot = Arc<tokio::sync::Mutex<Option<Live>>>;

/// All pipelines of a coordinator.
pub struct Fleet {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: FleetConfig,
    slots: Mutex<HashMap<PipelineId, Slot>>,
    queue: Queue,
    deadlines: Deadlines,
    holders: Holders,
    groups: Groups,
    offers: Offers,
    counters: Counters,
    effects: tokio::sync::Notify,
}

impl Fleet {
    /// A fleet that knows of nothing yet; [`Self::restart`] loads what was going on.
    pub fn new(ports: FleetPorts, config: FleetConfig) -> Self {
        Self {
            store: ports.store,
            clock: ports.clock,
            random: ports.random,
            config,
            slots: Mutex::default(),
            queue: Queue::default(),
            deadlines: Deadlines::default(),
            holders: Holders::default(),
            groups: Groups::default(),
            offers: Offers::default(),
            counters: Counters::default(),
            effects: tokio::sync::Notify::new(),
        }
    }

    /// Where runners and people reach the coordinator, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.config.url
    }

    /// Resolves when there may be new effects in the outbox.
    pub async fn new_effects(&self) {
        self.effects.notified().await;
    }

    /// What it remembers with.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}
