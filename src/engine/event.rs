//! What a run tells whoever watches it.

use std::sync::Arc;

use aqueduct_core::{
    id::{JobId, PipelineId},
    run::{Budget, Status},
    time::{Millis, Timestamp},
    verdict::Verdict,
};
use aqueduct_ports::executor::Placement;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::Waiting;

/// Something that happened in a run. Events of a job come in the order of its life, its whole trace before its end.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// The first event.
    PipelineStarted {
        /// The pipeline.
        pipeline: PipelineId,
        /// Its jobs, in the plan's order.
        jobs: Vec<JobHead>,
    },
    /// A job came into another state, and has not ended.
    JobMoved {
        /// The job's full name.
        job: String,
        /// Its attempt, 0 before the first.
        attempt: u32,
        /// Before.
        from: Status,
        /// After.
        to: Status,
        /// What it waits for now.
        waiting: Option<Waiting>,
    },
    /// A job's script starts.
    JobStarted {
        /// The job's full name.
        job: String,
        /// Its attempt.
        attempt: u32,
        /// Where it runs.
        placement: Placement,
    },
    /// Bytes appended to a job's trace; not cut at line ends.
    Log {
        /// The job's full name.
        job: String,
        /// Its attempt.
        attempt: u32,
        /// The bytes.
        bytes: Bytes,
    },
    /// An attempt ended, and the job is tried again.
    JobRetrying {
        /// The job's full name.
        job: String,
        /// The attempt that ended.
        attempt: u32,
        /// Why.
        verdict: Verdict,
        /// What pays for the next one.
        budget: Budget,
    },
    /// A job ended.
    JobFinished {
        /// The job's full name.
        job: String,
        /// Its last attempt, 0 if it had none.
        attempt: u32,
        /// success, failed, canceled or skipped.
        status: Status,
        /// Why it didn't succeed.
        verdict: Option<Verdict>,
        /// The script's exit code, where it got that far.
        exit_code: Option<i32>,
        /// It failed, and was allowed to.
        allow_failure: bool,
        /// Length of the last attempt, from its lease on; zero without one.
        duration: Millis,
        /// What `coverage` found.
        coverage: Option<String>,
    },
    /// The last event. The status is `manual` if what is left waits for a person.
    PipelineFinished {
        /// The pipeline's status.
        status: Status,
        /// Since it began.
        duration: Millis,
    },
}

/// A job as a run announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobHead {
    /// Its id.
    pub id: JobId,
    /// Full name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// `script`, `index`, `publish`, `trigger`.
    pub kind: &'static str,
}

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedEvent {
    /// When.
    pub time: Timestamp,
    /// What.
    pub event: RunEvent,
}

/// Bytes of traces that may wait for the watcher before those who append them have to wait.
const TRACE_ROOM: u32 = 4 << 20;

/// The events of a run, in order. Whoever holds it has to read it: a full buffer of trace bytes makes the jobs wait.
/// Dropping it ends that.
#[derive(Debug)]
pub struct RunEvents {
    queue: mpsc::UnboundedReceiver<(TimedEvent, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
}

impl RunEvents {
    /// The next event; `None` after the last. May be cancelled without losing one.
    pub async fn next(&mut self) -> Option<TimedEvent> {
        self.queue.recv().await.map(|(event, _room)| event)
    }

    /// The next event, if it is there already.
    pub fn try_next(&mut self) -> Option<TimedEvent> {
        self.queue.try_recv().ok().map(|(event, _room)| event)
    }
}

impl Drop for RunEvents {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// The end that events are put into.
#[derive(Debug)]
pub(crate) struct EventSink {
    queue: Option<mpsc::UnboundedSender<(TimedEvent, Option<OwnedSemaphorePermit>)>>,
}

impl EventSink {
    /// A sink, its room for trace bytes, and the other end.
    pub(crate) fn new() -> (Self, Arc<Semaphore>, RunEvents) {
        let (sender, queue) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(TRACE_ROOM as usize));
        let events = RunEvents {
            queue,
            room: Arc::clone(&room),
        };
        (
            Self {
                queue: Some(sender),
            },
            room,
            events,
        )
    }

    pub(crate) fn send(
        &self,
        time: Timestamp,
        event: RunEvent,
        room: Option<OwnedSemaphorePermit>,
    ) {
        if let Some(queue) = &self.queue {
            // Nobody listening is no error: the run goes on.
            let _ = queue.send((TimedEvent { time, event }, room));
        }
    }

    /// After the last event.
    pub(crate) fn close(&mut self) {
        self.queue = None;
    }
}

/// Waits until `bytes` fit; `None` if nobody listens any more.
pub(crate) async fn room_for(room: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).min(TRACE_ROOM);
    Arc::clone(room).acquire_many_owned(wanted).await.ok()
}
