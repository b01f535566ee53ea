//! The engine of a run in one process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aqueduct_core::{
    plan::Plan,
    run::{Ignored, Status},
    sched::Offer,
    time::{Millis, Timestamp},
};
use aqueduct_ports::{
    clock::Clock,
    work::{Assignment, Directive, Lease, Report, Sources, WorkError, WorkSource},
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Semaphore, watch};

use crate::{
    EngineError, JobHead, RunEvent, RunEvents, RunOptions, Snapshot,
    event::{self, EventSink},
    pipeline::{Candidate, Pipeline, Settings},
    select::select,
    shared::Shared,
    snapshot,
    variables::{LeaseContext, job_variables},
};

/// Runs one pipeline in this process. Hand it to the runner loop as its [`WorkSource`], and await [`Engine::run`] beside it.
pub struct Engine {
    shared: Mutex<Shared>,
    /// Counts changes, for those that wait for one.
    changes: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    options: RunOptions,
    trace_room: Arc<Semaphore>,
}

/// What a runner that asks for work gets.
enum Next {
    Job(Box<Assignment>),
    Wait,
    NoMore,
}

impl Engine {
    /// Begins the run: the jobs that wait for nothing can be leased when this returns. Whoever holds the
    /// events has to read them, or drop them.
    pub fn new(
        plan: &Plan,
        options: RunOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Self>, RunEvents), EngineError> {
        let (plan, played) = select(plan, &options.jobs, &options.play)?;
        let now = clock.now();
        let heads = plan.jobs.iter().enumerate().map(|(at, job)| JobHead {
            id: Pipeline::id(at),
            name: job.name.clone(),
            stage: job.stage.clone(),
            kind: job.kind.name(),
        });
        let started = RunEvent::PipelineStarted {
            pipeline: options.pipeline,
            jobs: heads.collect(),
        };
        let (sink, trace_room, events) = EventSink::new();
        sink.send(now, started, None);
        let settings = Settings {
            id: options.pipeline,
            limits: options.limits,
            lease_time: options.lease_time,
            patience: options.patience,
            trace_limit: options.trace_limit,
            shared_groups: false,
            mutant: None,
        };
        let pipeline = Pipeline::begin(Arc::new(plan), settings, &played, now);
        let mut shared = Shared::new(pipeline, sink, now);
        shared.tell(now);
        let engine = Self {
            shared: Mutex::new(shared),
            changes: watch::Sender::new(0),
            clock,
            options,
            trace_room,
        };
        Ok((Arc::new(engine), events))
    }

    /// Resolves with the pipeline's status when the run is over: every job has ended, or what is left waits for a person
    /// (`manual`). Deadlines are kept while somebody awaits this or a lease.
    pub async fn run(&self) -> Status {
        let mut changes = self.changes.subscribe();
        loop {
            let ended = self.locked().ended;
            if let Some(status) = ended {
                return status;
            }
            self.changed(&mut changes).await;
        }
    }

    /// Cancels all that has not ended, for a `cause` in words; scripts get `grace` between SIGTERM and SIGKILL. A second call with a shorter
    /// grace (zero kills) takes the first one's place.
    pub fn cancel(&self, grace: Millis, cause: &str) {
        self.act(|shared, now| {
            if shared.ended.is_some() {
                return;
            }
            // The whole pipeline is never in the wrong state for it.
            let _ = shared.pipeline.cancel(None, grace, cause, now);
        });
    }

    /// Plays a manual job, or starts a delayed one at once, by full name; refused once the run is over.
    pub fn play(&self, job: &str) -> Result<(), EngineError> {
        self.act(|shared, now| {
            let jobs = &shared.pipeline.plan().jobs;
            let at = jobs.iter().position(|known| known.name == job);
            let at = at.ok_or_else(|| EngineError::UnknownJob(job.to_owned()))?;
            let played = match shared.ended {
                None => shared.pipeline.play(at, now),
                Some(_) => Err(Ignored::WrongState),
            };
            played.map_err(|_| EngineError::NotPlayable {
                job: job.to_owned(),
                status: shared.pipeline.state().jobs[at].status,
            })
        })
    }

    /// The states of all jobs now.
    pub fn snapshot(&self) -> Snapshot {
        snapshot::snapshot(&self.locked().pipeline, self.clock.now())
    }

    fn locked(&self) -> MutexGuard<'_, Shared> {
        // Every change is complete before anything can panic, so a poisoned lock guards a sound state.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, tells what happened and wakes who waits, if anything did happen: those who wait look at
    /// the state through this too, and must not wake each other for ever.
    fn act<T>(&self, act: impl FnOnce(&mut Shared, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut shared = self.locked();
        shared.notice_sleep(now);
        let answer = act(&mut shared, now);
        shared.tell(now);
        let changed = std::mem::take(&mut shared.changed);
        drop(shared);
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
        answer
    }

    /// Waits for a change, or for the next deadline, whose consequences it then brings about.
    async fn changed(&self, changes: &mut watch::Receiver<u64>) {
        let deadline = self.locked().pipeline.next_deadline();
        let Some(deadline) = deadline else {
            // The sender lives as long as the engine: this can't fail.
            let _ = changes.changed().await;
            return;
        };
        let left = deadline.since(self.clock.now()).to_std();
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(left) => self.act(|shared, now| shared.pipeline.tick(now)),
        }
    }

    fn next_job(&self, offer: &Offer) -> Next {
        self.act(|shared, now| {
            while shared.ended.is_none() {
                let Some(candidate) = shared.pipeline.candidate(offer) else {
                    return Next::Wait;
                };
                if let Some(assignment) = self.assign(&mut shared.pipeline, candidate, now) {
                    return Next::Job(Box::new(assignment));
                }
                shared.tell(now);
            }
            Next::NoMore
        })
    }

    /// Leases a job; `None` if it has failed instead, for want of a secret.
    fn assign(
        &self,
        pipeline: &mut Pipeline,
        candidate: Candidate,
        now: Timestamp,
    ) -> Option<Assignment> {
        let at = candidate.at;
        let mut key = pipeline.key(at);
        key.attempt += 1;
        let context = LeaseContext {
            key,
            now,
            persisted: &self.options.persisted,
            secrets: &self.options.secrets,
        };
        match job_variables(pipeline, at, &context) {
            Err(verdict) => {
                pipeline.refuse(at, verdict, now);
                None
            }
            Ok(variables) => Some(Assignment {
                lease: pipeline.lease(at, now).ok()?,
                executor: candidate.executor,
                job: pipeline.plan().jobs[at].clone(),
                project: None,
                variables,
                masks: Vec::new(),
                dependencies: pipeline.dependencies(at),
                sources: Sources::Snapshot,
                lease_time: pipeline.lease_time(),
                patience: pipeline.lease_time(),
            }),
        }
    }
}

#[async_trait]
impl WorkSource for Engine {
    async fn lease(&self, offer: &Offer) -> Result<Option<Assignment>, WorkError> {
        let mut changes = self.changes.subscribe();
        self.act(|shared, now| shared.changed |= shared.pipeline.learn_offer(offer, now));
        loop {
            changes.mark_unchanged();
            match self.next_job(offer) {
                Next::Job(assignment) => return Ok(Some(*assignment)),
                Next::NoMore => return Ok(None),
                Next::Wait => self.changed(&mut changes).await,
            }
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Directive, WorkError> {
        self.act(|shared, now| {
            shared
                .pipeline
                .renew(lease.key.job, lease.token, now)
                .map_err(|_| WorkError::Stale)
        })
    }

    async fn canceled(&self, lease: &Lease) -> Directive {
        let mut changes = self.changes.subscribe();
        loop {
            let news = self.locked().cancel_news(lease, self.clock.now());
            if let Some(directive) = news {
                return directive;
            }
            // The sender lives as long as the engine: this can't fail.
            let _ = changes.changed().await;
        }
    }

    async fn append_trace(
        &self,
        lease: &Lease,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, WorkError> {
        let room = event::room_for(&self.trace_room, bytes.len()).await;
        let (now, limit) = (self.clock.now(), self.options.trace_limit);
        self.locked()
            .append(lease, offset, &bytes, room, now, limit)
    }

    async fn report(&self, lease: &Lease, report: Report) -> Result<(), WorkError> {
        self.act(|shared, now| shared.report(lease, report, now))
    }
}
