//! The reconcilers of one coordinator, tied together.

use std::sync::Arc;

use aqueduct_ports::{clock::Clock, forge::Statuses, git::Mirrors};
use futures_util::future::BoxFuture;

use super::{
    Hints, ProtectedRefs, Wake, default_branch_only,
    environments::Environments,
    heads::{Heads, HeadsConfig, HeadsPorts},
    ingest::{Ingest, IngestConfig, IngestPorts},
    sources::{SourceKeeper, SourcesConfig},
    statuses::StatusReporter,
};
use crate::fleet::Fleet;

/// Begins what a reconciler does for ever.
pub type Loop = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

/// From a repository that changed to a pipeline, and to the end of what is kept for it. Cheap to clone.
#[derive(Clone)]
pub struct Reconcilers {
    /// Names projects to look at now.
    pub hints: Arc<Hints>,
    /// Woken when somebody has put something into the inbox.
    pub inbox: Arc<Wake>,
    /// Watches the repositories.
    pub heads: Arc<Heads>,
    /// Works off the inbox.
    pub ingest: Arc<Ingest>,
    /// Keeps sources.
    pub sources: Arc<SourceKeeper>,
    /// Keeps the record of environments, and stops them.
    pub environments: Arc<Environments>,
    /// Tells forges how pipelines stand, if any is known.
    pub statuses: Option<Arc<StatusReporter>>,
}

impl Reconcilers {
    /// The reconcilers of a fleet, none of them at work yet.
    pub fn new(
        fleet: &Arc<Fleet>,
        mirrors: &Arc<dyn Mirrors>,
        clock: &Arc<dyn Clock>,
        statuses: Option<&Arc<dyn Statuses>>,
    ) -> Self {
        let protected: ProtectedRefs = default_branch_only();
        let (hints, inbox) = (Arc::new(Hints::default()), Arc::new(Wake::default()));
        let heads = HeadsPorts {
            store: Arc::clone(fleet.store()),
            mirrors: Arc::clone(mirrors),
            clock: Arc::clone(clock),
            hints: Arc::clone(&hints),
            ingest: Arc::clone(&inbox),
        };
        let heads_config = HeadsConfig {
            protected: Arc::clone(&protected),
            ..HeadsConfig::default()
        };
        let ingest = IngestPorts {
            fleet: Arc::clone(fleet),
            mirrors: Arc::clone(mirrors),
            clock: Arc::clone(clock),
            hints: Arc::clone(&hints),
            wake: Arc::clone(&inbox),
        };
        let ingest_config = IngestConfig {
            protected,
            ..IngestConfig::new(fleet.url())
        };
        let sources = SourceKeeper::new(
            Arc::clone(fleet.store()),
            Arc::clone(mirrors),
            Arc::clone(clock),
            SourcesConfig::default(),
        );
        Self {
            hints,
            inbox,
            heads: Arc::new(Heads::new(heads, heads_config)),
            ingest: Arc::new(Ingest::new(ingest, ingest_config)),
            sources: Arc::new(sources),
            environments: Arc::new(Environments::new(Arc::clone(fleet), Arc::clone(clock))),
            statuses: statuses.map(|forges| {
                let (fleet, clock) = (Arc::clone(fleet), Arc::clone(clock));
                Arc::new(StatusReporter::new(fleet, clock, Arc::clone(forges)))
            }),
        }
    }

    /// What each of them does for ever, by name; whoever calls such a function again has another one that does it.
    pub fn loops(&self) -> Vec<(&'static str, Loop)> {
        let mut loops = vec![
            ("heads", again(&self.heads, Heads::run)),
            ("ingest", again(&self.ingest, Ingest::run)),
            ("sources", again(&self.sources, SourceKeeper::run)),
            ("environments", again(&self.environments, Environments::run)),
        ];
        if let Some(statuses) = &self.statuses {
            loops.push(("statuses", again(statuses, StatusReporter::run)));
        }
        loops
    }
}

fn again<T, F>(task: &Arc<T>, run: fn(Arc<T>) -> F) -> Loop
where
    T: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let task = Arc::clone(task);
    Box::new(move || Box::pin(run(Arc::clone(&task))))
}
