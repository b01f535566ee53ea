//! A fleet over a real database, with a clock that the test sets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use aqueduct_core::{
    id::{ManagerId, PipelineId, ProjectId},
    plan::{JobKind, OnNewCommit, PipelineHead, Plan, PlanJob, ScriptSpec},
    platform::Arch,
    sched::{ExecutorOffer, Offer, TagPolicy},
    time::{Millis, Timestamp},
    token::TokenHash,
    verdict::Verdict,
};
use aqueduct_ports::{
    clock::Clock,
    random::Random,
    store::{
        AccessLevel, NewProject, NewRunner, Projects as _, RunnerKind, RunnerSettings,
        Runners as _, Sighting, Store,
    },
    work::JobEnd,
};
use aqueduct_store::Database;
use tempfile::TempDir;

use crate::fleet::{Claim, Claimer, Fleet, FleetConfig, FleetPorts, PipelineRequest};

/// A clock that goes when it is told to.
pub(super) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::SeqCst);
        bytes.fill(0);
        bytes[..8].copy_from_slice(&next.to_le_bytes());
    }
}

/// A fleet, its database, and one runner.
pub(super) struct Rig {
    pub(super) fleet: Arc<Fleet>,
    pub(super) store: Arc<Database>,
    pub(super) clock: Arc<TestClock>,
    random: Arc<Counter>,
    pub(super) project: ProjectId,
    pub(super) claimer: Claimer,
    _dir: TempDir,
}

impl Rig {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Database::sqlite(dir.path()).await.unwrap());
        let clock = Arc::new(TestClock(AtomicI64::new(1_000_000)));
        let random = Arc::new(Counter(AtomicU64::new(1)));
        let project = store
            .create_project(&NewProject {
                path: "group/name".into(),
                git_url: "/repository".into(),
                default_branch: None,
                interval: Millis::from_secs(60),
                settings: "{}".into(),
                created: clock.now(),
            })
            .await
            .unwrap();
        let runner = store
            .create_runner(&NewRunner {
                token: TokenHash::of("runner"),
                kind: RunnerKind::Instance,
                settings: RunnerSettings {
                    description: "r".into(),
                    tags: Vec::new(),
                    run_untagged: true,
                    locked: false,
                    access_level: AccessLevel::NotProtected,
                    maximum_timeout: None,
                    paused: false,
                },
                created: clock.now(),
            })
            .await
            .unwrap();
        let sighting = Sighting {
            runner: runner.id,
            system_id: "s".into(),
            instance: Some("i".into()),
            info: None,
            now: clock.now(),
        };
        let manager = store.seen_manager(&sighting).await.unwrap().manager;
        Self {
            fleet: fleet(&store, &clock, &random),
            claimer: claimer(manager),
            project: project.id,
            store,
            clock,
            random,
            _dir: dir,
        }
    }

    /// The coordinator was killed and is started again on the same database.
    pub(super) async fn restart(&mut self) {
        self.fleet = fleet(&self.store, &self.clock, &self.random);
        self.fleet.restart().await.unwrap();
    }

    pub(super) fn pass(&self, time: Millis) {
        let millis = i64::try_from(time.0).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(super) fn set_back(&self, time: Millis) {
        let millis = i64::try_from(time.0).unwrap();
        self.clock.0.fetch_sub(millis, Ordering::SeqCst);
    }

    /// A pipeline of one stage a list, without needs.
    pub(super) async fn create(&self, cause: &str, stages: &[&[&str]]) -> PipelineId {
        self.create_with(cause, stages, |_| {}).await
    }

    /// The same, changed before it is made.
    pub(super) async fn create_with(
        &self,
        cause: &str,
        stages: &[&[&str]],
        change: impl FnOnce(&mut Plan),
    ) -> PipelineId {
        let mut plan = plan(stages);
        change(&mut plan);
        let request = PipelineRequest {
            project: self.project,
            cause: cause.into(),
            git_ref: "refs/heads/main".into(),
            sha: "a".repeat(40),
            before_sha: None,
            source: "push".into(),
            plan: Ok(Arc::new(plan)),
        };
        self.start(&request).await
    }

    pub(super) async fn start(&self, request: &PipelineRequest) -> PipelineId {
        let id = self.fleet.create(request).await.unwrap().id;
        self.fleet.begin(id).await.unwrap();
        id
    }

    pub(super) async fn claim(&self) -> Option<Claim> {
        let claimed = self.fleet.claim(&self.claimer, Duration::ZERO).await;
        claimed.unwrap()
    }
}

fn fleet(store: &Arc<Database>, clock: &Arc<TestClock>, random: &Arc<Counter>) -> Arc<Fleet> {
    let store: Arc<dyn Store> = Arc::<Database>::clone(store);
    let ports = FleetPorts {
        store,
        clock: Arc::<TestClock>::clone(clock),
        random: Arc::<Counter>::clone(random),
    };
    Arc::new(Fleet::new(ports, FleetConfig::new("http://ci.example.com")))
}

fn claimer(manager: ManagerId) -> Claimer {
    Claimer {
        manager,
        offer: Offer {
            runner: "r".into(),
            executors: vec![ExecutorOffer::host(vec![Arch::Amd64], false)],
            tags: TagPolicy::Only(Vec::new()),
            run_untagged: true,
        },
        project: None,
        maximum_timeout: None,
    }
}

pub(super) fn plan(stages: &[&[&str]]) -> Plan {
    let names = (0..stages.len()).map(|at| format!("s{at}"));
    let mut jobs = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        for name in *stage {
            let kind = JobKind::Script(ScriptSpec::default());
            let at_stage = u32::try_from(at).unwrap();
            jobs.push(PlanJob::new(name, &format!("s{at}"), at_stage, kind));
        }
    }
    Plan {
        pipeline: PipelineHead {
            source: "push".into(),
            ref_name: "main".into(),
            sha: "a".repeat(40),
            run: true,
            name: None,
            cancel_on_job_failure: false,
            on_new_commit: OnNewCommit::None,
        },
        variables: Vec::new(),
        stages: names.collect(),
        jobs,
        skipped: Vec::new(),
        hash: "sha256:0".into(),
    }
}

/// The end of an attempt that wrote so many bytes.
pub(super) fn end(verdict: Option<Verdict>, trace_bytes: u64) -> JobEnd {
    JobEnd {
        exit_code: Some(i32::from(verdict.is_some())),
        verdict,
        dotenv: Vec::new(),
        trace_bytes,
        has_artifacts: false,
        coverage: None,
        release: None,
    }
}
