//! The state of a run behind its lock: the pipeline, the events, and what runners were told.

use std::collections::BTreeMap;

use aqueduct_core::{
    id::JobId,
    run::{Effect, EffectKind, Ignored, Status},
    time::{Millis, Timestamp},
};
use aqueduct_ports::work::{Directive, JobEnd, Lease, Report, WorkError};
use bytes::Bytes;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::{
    RunEvent,
    event::EventSink,
    pipeline::{Appended, Pipeline, Reported},
    snapshot,
};

/// Shorter gaps between the clocks are corrections of the time.
const LEAST_SLEEP: Millis = Millis::from_secs(5);

/// The state of a run.
pub(crate) struct Shared {
    pub(crate) pipeline: Pipeline,
    events: EventSink,
    /// Something happened that somebody may wait for.
    pub(crate) changed: bool,
    /// The status the run ended with.
    pub(crate) ended: Option<Status>,
    /// Until when cancelled attempts may live, as their runners were told.
    told: BTreeMap<u64, Timestamp>,
    /// When it was last looked at, by the clock and by a counter that stands still while the machine sleeps.
    looked: (Timestamp, Instant),
}

impl Shared {
    /// The state of a run that has just begun.
    pub(crate) fn new(pipeline: Pipeline, events: EventSink, now: Timestamp) -> Self {
        Self {
            pipeline,
            events,
            changed: false,
            ended: None,
            told: BTreeMap::new(),
            looked: (now, Instant::now()),
        }
    }

    /// A machine that was suspended has not lost its runners: the clock went on, but nothing else did.
    pub(crate) fn notice_sleep(&mut self, now: Timestamp) {
        let (before, counter) = std::mem::replace(&mut self.looked, (now, Instant::now()));
        let awake = self.looked.1.duration_since(counter).as_millis();
        let awake = u64::try_from(awake).unwrap_or(u64::MAX);
        let asleep = Millis(now.since(before).0.saturating_sub(awake));
        if asleep > LEAST_SLEEP {
            self.pipeline.paused(asleep, now);
        }
    }

    /// Turns the effects that are due into events, and notices the end.
    pub(crate) fn tell(&mut self, now: Timestamp) {
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
    pub(crate) fn cancel_news(&mut self, lease: &Lease, now: Timestamp) -> Option<Directive> {
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

    pub(crate) fn append(
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

    pub(crate) fn report(
        &mut self,
        lease: &Lease,
        report: Report,
        now: Timestamp,
    ) -> Result<(), WorkError> {
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
