//! From a push to a pipeline: real repositories, mirrors, database and fleet.

mod branch_life;
mod heads;
mod ingest;
mod running;
mod sources;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use aqueduct_core::{
    id::ProjectId,
    plan::Plan,
    refs::RefEvent,
    time::{Millis, Timestamp},
};
use aqueduct_mirror::{GitMirrors, Options};
use aqueduct_ports::{
    clock::Clock,
    git::Mirrors,
    random::Random,
    store::{Delivery, NewProject, Page, PipelineFilter, PipelineRow, Project, Store},
};
use aqueduct_store::Database;
use aqueduct_testkit::origin::Origin;
use tempfile::TempDir;

use super::{
    Hints, Wake,
    heads::{Heads, HeadsConfig, HeadsPorts},
    ingest::{Ingest, IngestConfig, IngestPorts},
};
use crate::fleet::{Fleet, FleetConfig, FleetPorts};

const INTERVAL: Millis = Millis(10_000);
const CONFIG: &str = "job:\n  script: make\n";

/// Time that stands still until it is moved.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Tokens that nobody else has, as far as tests go.
struct Count(AtomicI64);

impl Random for Count {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        for (byte, count) in bytes.iter_mut().zip(count) {
            *byte = count;
        }
    }
}

struct Rig {
    dir: TempDir,
    origin: Origin,
    store: Arc<dyn Store>,
    mirrors: Arc<dyn Mirrors>,
    clock: Arc<Hand>,
    fleet: Arc<Fleet>,
    hints: Arc<Hints>,
    heads: Arc<Heads>,
    ingest: Arc<Ingest>,
}

impl Rig {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin = Origin::new(dir.path()).unwrap();
        let store = Database::sqlite(&dir.path().join("data")).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let mirrors = GitMirrors::new(&dir.path().join("mirrors"), Options::default()).unwrap();
        let mirrors: Arc<dyn Mirrors> = Arc::new(mirrors);
        let clock = Arc::new(Hand(AtomicI64::new(1_000_000)));
        let ports = FleetPorts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(Count(AtomicI64::new(0))),
        };
        let fleet = Arc::new(Fleet::new(
            ports,
            FleetConfig::new("https://ci.example.com"),
        ));
        let (hints, wake) = (Arc::new(Hints::default()), Arc::new(Wake::default()));
        let heads = HeadsPorts {
            store: Arc::clone(&store),
            mirrors: Arc::clone(&mirrors),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            hints: Arc::clone(&hints),
            ingest: Arc::clone(&wake),
        };
        let ingest = IngestPorts {
            fleet: Arc::clone(&fleet),
            mirrors: Arc::clone(&mirrors),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            hints: Arc::clone(&hints),
            wake,
        };
        Self {
            heads: Arc::new(Heads::new(heads, HeadsConfig::default())),
            ingest: Arc::new(Ingest::new(
                ingest,
                IngestConfig::new("https://ci.example.com"),
            )),
            dir,
            origin,
            store,
            mirrors,
            clock,
            fleet,
            hints,
        }
    }

    async fn project(&self) -> Project {
        self.project_at("group/app", &self.origin.path().to_string_lossy(), INTERVAL)
            .await
    }

    async fn project_at(&self, path: &str, url: &str, interval: Millis) -> Project {
        let new = NewProject {
            path: path.into(),
            git_url: url.to_owned(),
            default_branch: None,
            interval,
            settings: "{}".into(),
            created: self.clock.now(),
        };
        self.store.create_project(&new).await.unwrap()
    }

    fn pass(&self, time: Millis) {
        let time = i64::try_from(time.0).unwrap();
        self.clock.0.fetch_add(time, Ordering::SeqCst);
    }

    /// A look, an interval after whatever was before.
    async fn look(&self, project: ProjectId) {
        self.pass(INTERVAL);
        self.heads.look(project).await.unwrap().unwrap();
    }

    async fn waiting(&self) -> Vec<Delivery> {
        let far = Timestamp(i64::MAX / 2);
        self.store.next_deliveries(far, 100).await.unwrap()
    }

    /// Kind and ref of all events that wait.
    async fn events(&self) -> Vec<(String, String)> {
        let waiting = self.waiting().await;
        let pair = |delivery: Delivery| {
            let event: RefEvent = serde_json::from_slice(&delivery.content.body).unwrap();
            (delivery.content.kind, event.name)
        };
        waiting.into_iter().map(pair).collect()
    }

    /// All pipelines, the oldest first.
    async fn pipelines(&self) -> Vec<PipelineRow> {
        let filter = PipelineFilter::default();
        let mut rows = self
            .store
            .pipelines(&filter, Page::first(100))
            .await
            .unwrap();
        rows.reverse();
        rows
    }

    /// The plans of all pipelines, the oldest first.
    async fn plans(&self) -> Vec<Plan> {
        let mut plans = Vec::new();
        for row in self.pipelines().await {
            let stored = self.store.load_pipeline(row.id).await.unwrap().unwrap();
            plans.push(serde_json::from_str(&stored.plan.unwrap()).unwrap());
        }
        plans
    }

    fn push(&self, file: &str, text: &str, to: &str) -> String {
        self.origin.push(file, text, to).unwrap()
    }
}
