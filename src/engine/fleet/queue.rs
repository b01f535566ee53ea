//! The jobs that wait for a runner, of all pipelines, in the order they began to wait, and the runners that wait for a job.
//!
//! A job that comes into the line is offered to one waiting runner that may have it. Whoever was offered one takes the first that it
//! may have, perhaps another; what it leaves is offered to the next. So a job lies in the line only as long as nobody waits for it, and
//! no job wakes a thousand runners.

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
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{Claimer, live::Live};

/// A job's place in the line: since when it waits, then who came first.
type Place = (Timestamp, PipelineId, usize);

/// The jobs that wait for a runner.
#[derive(Default)]
pub(super) struct Queue(Mutex<Line>);

#[derive(Default)]
struct Line {
    waiting: BTreeMap<Place, Waiting>,
    since: HashMap<(PipelineId, usize), Timestamp>,
    /// Who came first is first.
    takers: BTreeMap<u64, Taker>,
    last_taker: u64,
}

#[derive(Clone)]
struct Waiting {
    plan: Arc<Plan>,
    project: ProjectId,
}

/// A runner that waits for a job.
struct Taker {
    claimer: Arc<Claimer>,
    /// The job that it was woken for.
    offered: Option<Place>,
    wake: Arc<Notify>,
}

/// A job that was taken out of the line for a claimer; back it goes when this is dropped, unless it was settled.
pub(super) struct Taken<'a> {
    queue: &'a Queue,
    place: Place,
    waiting: Option<Waiting>,
    /// The executor that takes it.
    pub(super) executor: String,
}

impl Queue {
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
        }
    }

    /// Takes out the first job that a claimer may have; waits for one until `deadline`.
    pub(super) async fn next(
        &self,
        claimer: &Arc<Claimer>,
        deadline: Instant,
    ) -> Option<Taken<'_>> {
        let mut turn = None;
        loop {
            let waits = match self.take_or_wait(claimer, turn) {
                Ok(taken) => return Some(taken),
                Err(waits) => waits,
            };
            if timeout_at(deadline, waits.wake.notified()).await.is_err() {
                return None;
            }
            turn = Some(waits);
        }
    }

    /// Takes a job, and then leaves the line of those that wait: what was offered to the claimer is still its own until then.
    fn take_or_wait(
        &self,
        claimer: &Arc<Claimer>,
        turn: Option<Turn<'_>>,
    ) -> Result<Taken<'_>, Turn<'_>> {
        let mut line = self.lock();
        let found = line.first_for(claimer);
        let found = found.map(|(place, executor)| Taken {
            queue: self,
            place,
            waiting: line.remove(place.1, place.2),
            executor,
        });
        if let Some(number) = turn.and_then(|mut turn| turn.number.take()) {
            line.leave(number);
        }
        if let Some(found) = found {
            return Ok(found);
        }
        let wake = Arc::new(Notify::new());
        let taker = Taker {
            claimer: Arc::clone(claimer),
            offered: None,
            wake: Arc::clone(&wake),
        };
        line.last_taker += 1;
        let number = line.last_taker;
        line.takers.insert(number, taker);
        Err(Turn {
            queue: self,
            number: Some(number),
            wake,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A claimer's place among those that wait.
struct Turn<'a> {
    queue: &'a Queue,
    /// None once it has left.
    number: Option<u64>,
    wake: Arc<Notify>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.queue.lock().leave(number);
        }
    }
}

impl Waiting {
    /// The executor of a claimer that takes the job.
    fn fits<'a>(&self, at: usize, claimer: &'a Claimer) -> Option<&'a str> {
        let job = self.plan.jobs.get(at)?;
        if !claimer.may_have(self.project) {
            return None;
        }
        sched::place(job, &claimer.offer)
    }
}

impl Line {
    fn insert(&mut self, place: Place, waiting: Waiting) {
        self.since.insert((place.1, place.2), place.0);
        self.waiting.insert(place, waiting);
        self.offer(place);
    }

    fn remove(&mut self, id: PipelineId, at: usize) -> Option<Waiting> {
        let since = self.since.remove(&(id, at))?;
        self.waiting.remove(&(since, id, at))
    }

    fn first_for(&self, claimer: &Claimer) -> Option<(Place, String)> {
        self.waiting.iter().find_map(|(place, waiting)| {
            let executor = waiting.fits(place.2, claimer)?;
            Some((*place, executor.to_owned()))
        })
    }

    /// Wakes the first who may have a job, if it is still in the line.
    fn offer(&mut self, place: Place) {
        let Some(waiting) = self.waiting.get(&place) else {
            return;
        };
        let free = self.takers.values_mut();
        let mut free = free.filter(|taker| taker.offered.is_none());
        if let Some(taker) = free.find(|taker| waiting.fits(place.2, &taker.claimer).is_some()) {
            taker.offered = Some(place);
            taker.wake.notify_one();
        }
    }

    /// Somebody doesn't wait any more.
    fn leave(&mut self, number: u64) {
        let taker = self.takers.remove(&number);
        if let Some(place) = taker.and_then(|taker| taker.offered) {
            self.offer(place);
        }
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
        }
    }
}
