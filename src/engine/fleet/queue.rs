//! The jobs that wait for a runner, of all pipelines, in the order they began to wait.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    plan::Plan,
    run::Status,
    sched,
    time::Timestamp,
};
use tokio::sync::watch;

use super::{Claimer, live::Live};

/// A job's place in the line: since when it waits, then who came first.
type Place = (Timestamp, PipelineId, usize);

/// The jobs that wait for a runner.
pub(super) struct Queue {
    line: Mutex<Line>,
    /// Counts jobs that came into the line.
    came: watch::Sender<u64>,
}

#[derive(Default)]
struct Line {
    waiting: BTreeMap<Place, Waiting>,
    since: HashMap<(PipelineId, usize), Timestamp>,
}

#[derive(Clone)]
struct Waiting {
    plan: Arc<Plan>,
    project: ProjectId,
}

/// A job that was taken out of the line for a claimer; back it goes when this is dropped, unless it was settled.
pub(super) struct Taken<'a> {
    queue: &'a Queue,
    place: Place,
    waiting: Option<Waiting>,
    /// The executor that takes it.
    pub(super) executor: String,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            line: Mutex::default(),
            came: watch::Sender::new(0),
        }
    }
}

impl Queue {
    /// Tells of every job that comes into the line.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.came.subscribe()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Puts a job in or takes it out, as its state says.
    pub(super) fn update(&self, live: &Live, at: usize) {
        let state = &live.pipeline.state().jobs[at];
        let id = live.row.id;
        let mut jobs = self.lock();
        jobs.remove(id, at);
        if state.status == Status::Pending {
            let waiting = Waiting {
                plan: Arc::clone(live.pipeline.shared_plan()),
                project: live.row.project,
            };
            jobs.insert((state.since, id, at), waiting);
            drop(jobs);
            self.came.send_modify(|count| *count += 1);
        }
    }

    /// Takes out the first job that a claimer may have.
    pub(super) fn take(&self, claimer: &Claimer) -> Option<Taken<'_>> {
        let mut line = self.lock();
        let (place, executor) = line.waiting.iter().find_map(|(place, waiting)| {
            let job = waiting.plan.jobs.get(place.2)?;
            if !claimer.may_have(waiting.project, job) {
                return None;
            }
            let executor = sched::place(job, &claimer.offer)?;
            Some((*place, executor.to_owned()))
        })?;
        let waiting = line.remove(place.1, place.2);
        drop(line);
        Some(Taken {
            queue: self,
            place,
            waiting,
            executor,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn insert(&mut self, place: Place, waiting: Waiting) {
        self.since.insert((place.1, place.2), place.0);
        self.waiting.insert(place, waiting);
    }

    fn remove(&mut self, id: PipelineId, at: usize) -> Option<Waiting> {
        let since = self.since.remove(&(id, at))?;
        self.waiting.remove(&(since, id, at))
    }
}

impl Taken<'_> {
    /// Its pipeline, and its position in the plan.
    pub(super) const fn job(&self) -> (PipelineId, usize) {
        (self.place.1, self.place.2)
    }

    /// The job was handed out, or is found not to wait any more.
    pub(super) fn settle(mut self) {
        self.waiting = None;
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            let mut line = self.queue.lock();
            // Unless it was put in again meanwhile.
            if !line.since.contains_key(&(self.place.1, self.place.2)) {
                line.insert(self.place, waiting);
            }
            drop(line);
            self.queue.came.send_modify(|count| *count += 1);
        }
    }
}
