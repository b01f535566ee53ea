//! What all handlers share.

use std::sync::Arc;

use aqueduct_engine::{fleet::Fleet, tasks::Reconcilers};
use aqueduct_ports::{
    clock::Clock,
    forge::{Hooks, Statuses},
    git::Mirrors,
    store::{Objects, Store},
};
use tokio::sync::watch;

use crate::{
    Config,
    http::{Commits, Logs},
    metrics::Metrics,
};

/// What the coordinator stands on.
#[derive(Clone)]
pub struct AppPorts {
    /// Pipelines, jobs, runners.
    pub fleet: Arc<Fleet>,
    /// Artifacts and sealed traces.
    pub objects: Arc<dyn Objects>,
    /// Sources.
    pub mirrors: Arc<dyn Mirrors>,
    /// Reads webhooks.
    pub hooks: Arc<dyn Hooks>,
    /// Tells forges how pipelines stand, if any is known.
    pub statuses: Option<Arc<dyn Statuses>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// What all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) ports: AppPorts,
    pub(crate) config: Arc<Config>,
    pub(crate) tasks: Reconcilers,
    pub(crate) metrics: Arc<Metrics>,
    /// What pages remember of commits and logs.
    pub(crate) commits: Arc<Commits>,
    pub(crate) logs: Arc<Logs>,
    draining: watch::Sender<bool>,
}

impl App {
    /// A coordinator that serves nothing yet.
    pub fn new(ports: AppPorts, config: Config) -> Self {
        Self {
            tasks: Reconcilers::new(
                &ports.fleet,
                &ports.mirrors,
                &ports.clock,
                ports.statuses.as_ref(),
            ),
            ports,
            config: Arc::new(config),
            metrics: Arc::new(Metrics::new()),
            commits: Arc::default(),
            logs: Arc::default(),
            draining: watch::Sender::new(false),
        }
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.ports.fleet
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.ports.fleet.store().as_ref()
    }

    /// Answers held requests for jobs at once, and hands out no more.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Whether it is about to stop.
    pub(crate) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Resolves once it is about to stop.
    pub(crate) async fn drained(&self) {
        let mut draining = self.draining.subscribe();
        // The sender lives as long as this value.
        let _ = draining.wait_for(|draining| *draining).await;
    }
}
