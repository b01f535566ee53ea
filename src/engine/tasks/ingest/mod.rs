//! Makes pipelines of what the inbox holds.
//!
//! Handling an event is idempotent: sources are fetched and kept, the configuration is compiled as on a laptop, and a pipeline is
//! made under the event's id as its cause. A kill in between is followed by the same again.

mod compile;
mod context;
mod handle;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use aqueduct_core::{
    id::{EventId, ProjectId},
    time::{Millis, Timestamp},
};
use aqueduct_ports::{
    clock::Clock,
    git::Mirrors,
    store::{Delivery, Store, StoreError},
};
use tokio::{task::JoinSet, time::sleep};

use crate::fleet::{Change, Fleet};

use super::{Hints, ProtectedRefs, Wake, backoff, default_branch_only};
use handle::Trouble;

/// Deliveries read at once.
const BATCH: u32 = 500;
/// Longest sleep: a lost wake costs no more than this.
const LONGEST_SLEEP: Millis = Millis::from_secs(10);
/// Wait after the store failed.
const STORE_WAIT: Duration = Duration::from_secs(1);

/// How the inbox is worked off.
#[derive(Clone)]
pub struct IngestConfig {
    /// Where people reach the coordinator, without a slash at the end: what project addresses begin with.
    pub url: String,
    /// Most projects at a time; the events of one are handled one after the other.
    pub projects: usize,
    /// Wait after a first failure; it doubles with each further one.
    pub wait: Millis,
    /// Longest wait.
    pub longest_wait: Millis,
    /// Which refs are protected.
    pub protected: ProtectedRefs,
}

impl IngestConfig {
    /// Defaults for a coordinator at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            projects: 8,
            wait: Millis::from_secs(5),
            longest_wait: Millis::from_secs(600),
            protected: default_branch_only(),
        }
    }
}

/// What ingest stands on.
pub struct IngestPorts {
    /// Where sources come from.
    pub mirrors: Arc<dyn Mirrors>,
    /// Makes pipelines, and has the store with the inbox.
    pub fleet: Arc<Fleet>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where a webhook's word goes.
    pub hints: Arc<Hints>,
    /// Woken when there are new events.
    pub wake: Arc<Wake>,
}

/// Works off the inbox.
pub struct Ingest {
    ports: IngestPorts,
    config: IngestConfig,
}

impl Ingest {
    /// One that hasn't begun.
    pub const fn new(ports: IngestPorts, config: IngestConfig) -> Self {
        Self { ports, config }
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.ports.fleet.store().as_ref()
    }

    /// Works off the inbox for ever.
    pub async fn run(self: Arc<Self>) {
        let mut working = JoinSet::new();
        let mut busy = BTreeMap::new();
        loop {
            let wait = match self.start(&mut working, &mut busy).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "can't read the inbox");
                    STORE_WAIT
                }
            };
            tokio::select! {
                Some(done) = working.join_next_with_id(), if !working.is_empty() => {
                    let task = match done {
                        Ok((task, ())) => task,
                        Err(error) => error.id(),
                    };
                    busy.retain(|_, working| *working != task);
                }
                () = self.ports.wake.woken() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Gives idle projects their events; answers how long to sleep at most.
    async fn start(
        self: &Arc<Self>,
        working: &mut JoinSet<()>,
        busy: &mut BTreeMap<ProjectId, tokio::task::Id>,
    ) -> Result<Duration, StoreError> {
        for (project, deliveries) in self.due(&busy.keys().copied().collect()).await? {
            if working.len() >= self.config.projects {
                break;
            }
            let ingest = Arc::clone(self);
            let task = working.spawn(async move { ingest.work_off(deliveries).await });
            busy.insert(project, task.id());
        }
        let next = self.store().next_delivery_at().await?;
        let now = self.ports.clock.now();
        let wait = next.map_or(LONGEST_SLEEP, |next| next.since(now));
        // An event that is due but whose project is busy is waited for by that project's end.
        Ok(wait.clamp(Millis(50), LONGEST_SLEEP).to_std())
    }

    /// Handles everything that is due now, and what that brings; for tests and for a drain.
    pub async fn drain(&self) -> Result<(), StoreError> {
        loop {
            let due = self.due(&BTreeSet::new()).await?;
            if due.is_empty() {
                return Ok(());
            }
            for (_, deliveries) in due {
                self.work_off(deliveries).await;
            }
        }
    }

    async fn due(
        &self,
        but: &BTreeSet<ProjectId>,
    ) -> Result<BTreeMap<ProjectId, Vec<Delivery>>, StoreError> {
        let now = self.ports.clock.now();
        let deliveries = self.store().next_deliveries(now, BATCH).await?;
        let mut due: BTreeMap<ProjectId, Vec<Delivery>> = BTreeMap::new();
        for delivery in deliveries {
            let project = delivery.content.project;
            if !but.contains(&project) {
                due.entry(project).or_default().push(delivery);
            }
        }
        Ok(due)
    }

    /// Handles the events of one project in the order they came.
    async fn work_off(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            if let Err(error) = self.one(&delivery).await {
                // It is handed out again, and handling it twice is one pipeline.
                tracing::warn!(event = %delivery.id, %error, "can't note what became of an event");
                return;
            }
        }
    }

    async fn one(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let outcome = self.handle(delivery).await;
        let now = self.ports.clock.now();
        let store = self.store();
        // Its heads moved, whatever comes of it.
        self.ports.fleet.announce(Change::Project {
            project: delivery.content.project,
        });
        match outcome {
            Ok(outcome) => store.delivery_done(delivery.id, &outcome, now).await,
            Err(Trouble::Never(why)) => store.delivery_done(delivery.id, &why, now).await,
            Err(Trouble::Later(why)) => {
                let again = self.again(delivery.id, delivery.failures, now);
                store.delivery_failed(delivery.id, &why, again).await
            }
        }
    }

    fn again(&self, event: EventId, failures: u32, now: Timestamp) -> Timestamp {
        let failures = failures.saturating_add(1);
        let wait = backoff::after(self.config.wait, failures, self.config.longest_wait);
        now + backoff::spread(wait, event.0 ^ u64::from(failures).rotate_left(32))
    }
}
