//! From a push to a pipeline: real repositories, mirrors and database; only the maker of pipelines is ours.

mod heads;
mod ingest;
mod running;
mod sources;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    refs::RefEvent,
    run::Status,
    time::{Millis, Timestamp},
};
use aqueduct_mirror::{GitMirrors, Options};
use aqueduct_ports::{
    clock::Clock,
    git::Mirrors,
    store::{
        CreatedPipeline, Delivery, Inbox as _, NewJob, NewPipeline, NewProject, Page,
        PipelineFilter, PipelineHead, PipelineRow, Pipelines as _, Project, Projects as _,
    },
};
use aqueduct_store::Database;
use aqueduct_testkit::origin::Origin;
use async_trait::async_trait;
use tempfile::TempDir;

use super::{
    Hints, Wake,
    heads::{Heads, HeadsConfig, HeadsPorts},
    ingest::{Ingest, IngestConfig, IngestPorts, MakeError, PipelineMaker, PipelineOrder},
};

const INTERVAL: Millis = Millis(10_000);
const CONFIG: &str = "job:\n  script: make\n";

/// Time that stands still until it is moved.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Stores pipelines, and notes what was ordered and begun.
struct Maker {
    store: Arc<Database>,
    orders: Mutex<Vec<PipelineOrder>>,
    begun: Mutex<Vec<PipelineId>>,
    /// Calls of `begin` that fail before one succeeds.
    refusals: AtomicI64,
}

#[async_trait]
impl PipelineMaker for Maker {
    async fn make(&self, order: &PipelineOrder) -> Result<CreatedPipeline, MakeError> {
        self.orders.lock().unwrap().push(order.clone());
        let plan = order.plan.as_ref().ok();
        let head = PipelineHead {
            status: if plan.is_some() {
                Status::Pending
            } else {
                Status::Failed
            },
            active: plan.is_some(),
            state: "{}".into(),
            started: None,
            finished: plan.is_none().then_some(Timestamp(0)),
        };
        let jobs = plan.iter().flat_map(|plan| &plan.jobs).map(|job| NewJob {
            name: job.name.clone(),
            stage: job.stage.clone(),
            status: Status::Pending,
            state: "{}".into(),
        });
        let new = NewPipeline {
            project: order.project,
            cause: order.cause.clone(),
            git_ref: order.git_ref.clone(),
            sha: order.sha.clone(),
            before_sha: order.before_sha.clone(),
            source: order.source.clone(),
            name: None,
            plan: plan.map(|plan| serde_json::to_string(plan).unwrap()),
            plan_hash: plan.map(|plan| plan.hash.clone()),
            diagnostics: order.plan.as_ref().err().cloned(),
            head,
            jobs: jobs.collect(),
            effects: Vec::new(),
            created: Timestamp(0),
        };
        let created = self.store.create_pipeline(&new).await;
        created.map_err(|error| MakeError(error.to_string()))
    }

    async fn begin(&self, pipeline: PipelineId) -> Result<(), MakeError> {
        if self.refusals.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(MakeError("not now".into()));
        }
        self.begun.lock().unwrap().push(pipeline);
        Ok(())
    }
}

struct Rig {
    dir: TempDir,
    origin: Origin,
    store: Arc<Database>,
    mirrors: Arc<dyn Mirrors>,
    clock: Arc<Hand>,
    maker: Arc<Maker>,
    hints: Arc<Hints>,
    heads: Arc<Heads<Database>>,
    ingest: Arc<Ingest<Database>>,
}

impl Rig {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin = Origin::new(dir.path()).unwrap();
        let store = Arc::new(Database::sqlite(&dir.path().join("data")).await.unwrap());
        let mirrors = GitMirrors::new(&dir.path().join("mirrors"), Options::default()).unwrap();
        let mirrors: Arc<dyn Mirrors> = Arc::new(mirrors);
        let clock = Arc::new(Hand(AtomicI64::new(1_000_000)));
        let maker = Arc::new(Maker {
            store: Arc::clone(&store),
            orders: Mutex::default(),
            begun: Mutex::default(),
            refusals: AtomicI64::new(0),
        });
        let (hints, wake) = (Arc::new(Hints::default()), Arc::new(Wake::default()));
        let heads = HeadsPorts {
            store: Arc::clone(&store),
            mirrors: Arc::clone(&mirrors),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            hints: Arc::clone(&hints),
            ingest: Arc::clone(&wake),
        };
        let ingest = IngestPorts {
            store: Arc::clone(&store),
            mirrors: Arc::clone(&mirrors),
            maker: Arc::clone(&maker) as Arc<dyn PipelineMaker>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
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
            maker,
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

    fn push(&self, file: &str, text: &str, to: &str) -> String {
        self.origin.push(file, text, to).unwrap()
    }
}
