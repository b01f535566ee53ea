//! Notices pushes: compares each project's repository with where its refs were last seen (design 8).
//!
//! Every difference becomes an inbox event, written with the new head in one transaction. A webhook only makes a look come
//! sooner, so a missed one costs at most an interval.

mod look;
mod schedule;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aqueduct_core::{
    id::ProjectId,
    refs::HeldBack,
    time::{Millis, Timestamp},
};
use aqueduct_ports::{
    clock::Clock,
    git::{GitError, Mirrors},
    store::{Store, StoreError},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{Hints, ProtectedRefs, Wake, default_branch_only};
use schedule::Schedule;

/// Longest time that a ref must be missing before it counts as deleted.
const LONGEST_PATIENCE: Millis = Millis::from_secs(5);
/// How often the list of projects is read without a hint.
const REFRESH: Duration = Duration::from_secs(10);

/// How repositories are watched.
#[derive(Clone)]
pub struct HeadsConfig {
    /// Most looks at a time.
    pub looks: usize,
    /// At most so many refs of a project are deleted by one look.
    pub deletions: usize,
    /// Longest wait after failures.
    pub longest_wait: Millis,
    /// Which refs are never deleted.
    pub protected: ProtectedRefs,
}

impl Default for HeadsConfig {
    fn default() -> Self {
        Self {
            looks: 8,
            deletions: 50,
            longest_wait: Millis::from_secs(15 * 60),
            protected: default_branch_only(),
        }
    }
}

/// What the watch stands on.
pub struct HeadsPorts {
    /// Where heads are remembered.
    pub store: Arc<dyn Store>,
    /// Asks repositories.
    pub mirrors: Arc<dyn Mirrors>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Names projects to look at now.
    pub hints: Arc<Hints>,
    /// Woken when there are new inbox events.
    pub ingest: Arc<Wake>,
}

/// Watches the repositories of all projects.
pub struct Heads {
    ports: HeadsPorts,
    config: HeadsConfig,
    states: Mutex<BTreeMap<ProjectId, WatchState>>,
}

/// How the watch of one project goes, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchState {
    /// When the repository last answered.
    pub answered: Option<Timestamp>,
    /// Branches and tags of that answer.
    pub refs: usize,
    /// Missing refs of that answer that were not deleted, and why.
    pub held_back: HeldBack,
    /// Failures in a row since.
    pub failures: u32,
    /// When the last look failed, and why; `None` after a success.
    pub error: Option<(Timestamp, String)>,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The project's address is none.
    #[error(transparent)]
    Address(#[from] aqueduct_core::refs::UrlError),
    /// The repository didn't answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Branches and tags there are.
    pub refs: usize,
    /// New inbox events.
    pub events: u64,
    /// Missing refs that were not deleted.
    pub held_back: HeldBack,
}

impl Heads {
    /// A watch that hasn't begun.
    pub fn new(ports: HeadsPorts, config: HeadsConfig) -> Self {
        Self {
            ports,
            config,
            states: Mutex::default(),
        }
    }

    /// How the watch of each project goes.
    pub fn states(&self) -> BTreeMap<ProjectId, WatchState> {
        self.lock().clone()
    }

    /// Watches for ever.
    pub async fn run(self: Arc<Self>) {
        let mut schedule = Schedule::new(self.config.longest_wait);
        let mut looks = JoinSet::new();
        let mut whose = HashMap::new();
        let mut refresh = Instant::now();
        loop {
            let hinted = self.ports.hints.take();
            let now = Instant::now();
            let unknown = hinted.iter().any(|project| !schedule.knows(*project));
            if unknown || now >= refresh {
                refresh = now + REFRESH;
                self.read_projects(&mut schedule, now).await;
            }
            for project in hinted {
                schedule.hint(project, now);
            }
            while looks.len() < self.config.looks {
                let Some(project) = schedule.next(now) else {
                    break;
                };
                let heads = Arc::clone(&self);
                let task = looks.spawn(async move { heads.look_noted(project).await });
                whose.insert(task.id(), project);
            }
            let full = looks.len() >= self.config.looks;
            let wait = schedule
                .due()
                .filter(|_| !full)
                .unwrap_or(refresh)
                .min(refresh);
            tokio::select! {
                Some(done) = looks.join_next_with_id(), if !looks.is_empty() => {
                    // A look that panicked is a failed one; the panic has told itself.
                    let (task, ok) = done.unwrap_or_else(|error| (error.id(), false));
                    if let Some(project) = whose.remove(&task) {
                        schedule.done(project, ok, Instant::now());
                        if let Some(wait) = self.second_look(project) {
                            schedule.no_later(project, Instant::now() + wait);
                        }
                    }
                }
                () = self.ports.hints.woken() => {}
                () = sleep_until(wait) => {}
            }
        }
    }

    /// How soon a ref that is missing has to be looked for again; `None` if none is.
    fn second_look(&self, project: ProjectId) -> Option<Duration> {
        let states = self.lock();
        let missing = states.get(&project)?.held_back.fresh > 0;
        // A little more, so that the second look doesn't come a moment too early.
        missing.then(|| LONGEST_PATIENCE.to_std() + Duration::from_millis(200))
    }

    async fn read_projects(&self, schedule: &mut Schedule, now: Instant) {
        match self.ports.store.projects().await {
            Ok(projects) => {
                let intervals = projects
                    .iter()
                    .map(|project| (project.id, project.interval));
                schedule.update(intervals.collect(), now);
                self.lock().retain(|project, _| schedule.knows(*project));
            }
            Err(error) => tracing::warn!(%error, "can't read the list of projects"),
        }
    }

    /// Looks at a project and notes how that went; whether it went well.
    async fn look_noted(&self, project: ProjectId) -> bool {
        let looked = self.look(project).await;
        let now = self.ports.clock.now();
        let mut states = self.lock();
        let state = states.entry(project).or_default();
        match looked {
            Ok(Some(looked)) => {
                *state = WatchState {
                    answered: Some(now),
                    refs: looked.refs,
                    held_back: looked.held_back,
                    failures: 0,
                    error: None,
                };
                true
            }
            Ok(None) => true,
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                let text = error.to_string();
                // Once a failure lasts it is in the state, and the log needn't repeat it.
                if state.failures == 1 {
                    tracing::warn!(%project, %error, "can't compare the repository's refs");
                }
                state.error = Some((now, text));
                false
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ProjectId, WatchState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
