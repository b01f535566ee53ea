//! The engine of a run in one process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{
    id::JobId,
    plan::Plan,
    run::{Effect, EffectKind, Ignored, Status},
    sched::Offer,
    time::{Millis, Timestamp},
};
use aqueduct_ports::{
    clock::Clock,
    work::{Assignment, Directive, JobEnd, Lease, Report, WorkError, WorkSource},
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    EngineError, JobHead, RunEvent, RunEvents, RunOptions, Snapshot,
    event::{self, EventSink},
    pipeline::{Appended, Pipeline, Reported, Settings},
    select::select,
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

struct Shared {
    pipeline: Pipeline,
    events: EventSink,
    /// Something happened that somebody may wait for.
    changed: bool,
    /// The status the run ended with.
    ended: Option<Status>,
    /// Until when cancelled attempts may live, as their runners were told.
    told: BTreeMap<u64, Timestamp>,
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
            mutant: None,
        };
        let mut shared = Shared {
            pipeline: Pipeline::begin(Arc::new(plan), settings, &played, now),
            events: sink,
            changed: false,
            ended: None,
            told: BTreeMap::new(),
        };
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

    /// Cancels all that has not ended; scripts get `grace` between SIGTERM and SIGKILL. A second call with a shorter
    /// grace (zero kills) takes the first one's place.
    pub fn cancel(&self, grace: Millis) {
        self.act(|shared, now| {
            // A pipeline that has ended has nothing to cancel.
            let _ = shared
                .pipeline
                .cancel(None, grace, "canceled by the user", now);
        });
    }

    /// Plays a manual job, or starts a delayed one at once, by full name.
    pub fn play(&self, job: &str) -> Result<(), EngineError> {
        self.act(|shared, now| {
            let jobs = &shared.pipeline.plan().jobs;
            let at = jobs.iter().position(|known| known.name == job);
            let at = at.ok_or_else(|| EngineError::UnknownJob(job.to_owned()))?;
            shared
                .pipeline
                .play(at, now)
                .map_err(|_| EngineError::NotPlayable {
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
        candidate: crate::pipeline::Candidate,
        now: Timestamp,
    ) -> Option<Assignment> {
        let at = candidate.at;
        let mut key = pipeline.key(at);
        key.attempt += 1;
        let context = LeaseContext {
            key,
            now,
            extra: &self.options.variables,
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
                variables,
                dependencies: pipeline.dependencies(at),
                lease_time: pipeline.lease_time(),
            }),
        }
    }
}

impl Shared {
    /// Turns the effects that are due into events, and notices the end.
    fn tell(&mut self, now: Timestamp) {
        for effect in self.pipeline.take_outbox() {
            self.changed = true;
            if let Some(event) = self.event_of(effect) {
                self.events.send(now, event, None);
            }
        }
        if self.ended.is_none() && self.pipeline.state().is_at_rest() {
            let state = self.pipeline.state();
            let (status, duration) = (state.status, now.since(state.begun));
            self.ended = Some(status);
            self.changed = true;
            let event = RunEvent::PipelineFinished { status, duration };
            self.events.send(now, event, None);
            self.events.close();
        }
    }

    fn event_of(&self, effect: Effect) -> Option<RunEvent> {
        match effect.kind {
            EffectKind::JobMoved {
                job,
                attempt,
                from,
                to,
            } => {
                let at = self.pipeline.rules().position(job)?;
                Some(if to.is_terminal() {
                    self.finished(at, to)
                } else {
                    RunEvent::JobMoved {
                        job: self.name(at),
                        attempt,
                        from,
                        to,
                        waiting: snapshot::waiting(&self.pipeline, at),
                    }
                })
            }
            EffectKind::Retrying {
                job,
                attempt,
                verdict,
                budget,
            } => Some(RunEvent::JobRetrying {
                job: self.name(self.pipeline.rules().position(job)?),
                attempt,
                verdict,
                budget,
            }),
            // Runners hear of the first by `canceled`, which looks at the state; the pipeline's status is in its last
            // event and in snapshots; the others never leave the pipeline.
            EffectKind::StopAttempt { .. }
            | EffectKind::PipelineMoved { .. }
            | EffectKind::RequestResource { .. }
            | EffectKind::ReleaseResource { .. } => None,
        }
    }

    fn finished(&self, at: usize, status: Status) -> RunEvent {
        let state = &self.pipeline.state().jobs[at];
        let ending = state.ending.as_ref();
        let taken = ending.and_then(|ending| ending.taken);
        RunEvent::JobFinished {
            job: self.name(at),
            attempt: state.attempt,
            status,
            verdict: ending.and_then(|ending| ending.verdict.clone()),
            exit_code: ending.and_then(|ending| ending.exit_code),
            allow_failure: ending.is_some_and(|ending| ending.allowed),
            duration: taken.map_or(Millis(0), |taken| state.since.since(taken)),
            coverage: self
                .pipeline
                .output(at)
                .and_then(|output| output.coverage.clone()),
        }
    }

    fn name(&self, at: usize) -> String {
        self.pipeline.plan().jobs[at].name.clone()
    }

    /// What the holder of a lease has not been told yet.
    fn cancel_news(&mut self, lease: &Lease, now: Timestamp) -> Option<Directive> {
        let (directive, ends) = match self.pipeline.directive(lease.key.job, lease.token, now) {
            Ok((directive, ends)) => (directive, ends?),
            // Its own report ended it.
            Err(Ignored::Repeat) => return None,
            Err(_) => (Directive::Cancel { grace: Millis(0) }, Timestamp(i64::MIN)),
        };
        let told = self.told.get(&lease.token);
        if told.is_some_and(|told| *told <= ends) {
            return None;
        }
        self.told.insert(lease.token, ends);
        Some(directive)
    }

    fn append(
        &mut self,
        lease: &Lease,
        offset: u64,
        bytes: &Bytes,
        room: Option<OwnedSemaphorePermit>,
        now: Timestamp,
        limit: u64,
    ) -> Result<u64, WorkError> {
        let job = lease.key.job;
        let appended = match self
            .pipeline
            .append_trace(job, lease.token, offset, bytes.len())
        {
            Ok(appended) => appended,
            Err(Ignored::Repeat) => return Ok(self.received(job)),
            Err(_) => return Err(WorkError::Stale),
        };
        let Appended {
            received,
            keep,
            limit_reached,
        } = appended;
        if !keep.is_empty() {
            self.log(lease, bytes.slice(keep), room, now);
        }
        if limit_reached {
            let notice = format!("\nthe log is longer than {limit} bytes: the rest is dropped\n");
            self.log(lease, notice.into(), None, now);
        }
        Ok(received)
    }

    fn received(&self, job: JobId) -> u64 {
        let at = self.pipeline.rules().position(job);
        at.map_or(0, |at| self.pipeline.trace(at).received)
    }

    fn log(&self, lease: &Lease, bytes: Bytes, room: Option<OwnedSemaphorePermit>, now: Timestamp) {
        if let Some(at) = self.pipeline.rules().position(lease.key.job) {
            let event = RunEvent::Log {
                job: self.name(at),
                attempt: lease.key.attempt,
                bytes,
            };
            self.events.send(now, event, room);
        }
    }

    fn report(&mut self, lease: &Lease, report: Report, now: Timestamp) -> Result<(), WorkError> {
        match report {
            Report::Started(placement) => {
                match self.pipeline.started(lease.key.job, lease.token, now) {
                    Ok(()) => {}
                    Err(Ignored::Repeat) => return Ok(()),
                    Err(_) => return Err(WorkError::Stale),
                }
                self.tell(now);
                if let Some(at) = self.pipeline.rules().position(lease.key.job) {
                    let event = RunEvent::JobStarted {
                        job: self.name(at),
                        attempt: lease.key.attempt,
                        placement,
                    };
                    self.events.send(now, event, None);
                }
                Ok(())
            }
            Report::Finished(end) => self.finish(lease, &end, now),
        }
    }

    fn finish(&mut self, lease: &Lease, end: &JobEnd, now: Timestamp) -> Result<(), WorkError> {
        match self.pipeline.finished(lease.key.job, lease.token, end, now) {
            Ok(Reported::Taken) | Err(Ignored::Repeat) => Ok(()),
            Ok(Reported::TraceIncomplete { received }) => {
                Err(WorkError::TraceIncomplete { stored: received })
            }
            Err(_) => Err(WorkError::Stale),
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
