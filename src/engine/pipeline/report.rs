//! What runners tell of attempts.

use aqueduct_core::{
    id::JobId,
    run::{Event, Ignored},
    time::Timestamp,
};
use aqueduct_ports::{executor::Placement, work::JobEnd};

use super::{Output, Pipeline, Place};

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// It was taken.
    Taken,
    /// The trace is not complete: the report is not taken before the rest has come.
    TraceIncomplete {
        /// The offset to go on from.
        received: u64,
    },
}

impl Pipeline {
    /// The script of an attempt starts.
    pub fn started(&mut self, job: JobId, token: u64, now: Timestamp) -> Result<(), Ignored> {
        self.apply(Event::Started { job, token }, now)
    }

    /// An attempt ended unfinished, and its holder gives the job back.
    pub fn handed_back(&mut self, job: JobId, token: u64, now: Timestamp) -> Result<(), Ignored> {
        self.apply(Event::HandBack { job, token }, now)
    }

    /// Where an attempt runs; nothing if it is another one's turn.
    pub fn placed(&mut self, job: JobId, token: u64, placement: Placement) {
        if let Ok(at) = self.holds(job, token) {
            let attempt = self.state().jobs[at].attempt;
            self.durable
                .places
                .insert(job, Place { attempt, placement });
        }
    }

    /// Where the current or last attempt of a job runs, or ran.
    pub fn place(&self, at: usize) -> Option<&Placement> {
        let place = self.durable.places.get(&Self::id(at))?;
        (place.attempt == self.state().jobs[at].attempt).then_some(&place.placement)
    }

    /// An attempt is over.
    pub fn finished(
        &mut self,
        job: JobId,
        token: u64,
        end: &JobEnd,
        now: Timestamp,
    ) -> Result<Reported, Ignored> {
        let received = self
            .rules
            .position(job)
            .map_or(0, |at| self.trace(at).received);
        if self.holds(job, token).is_ok() && end.trace_bytes > received {
            return Ok(Reported::TraceIncomplete { received });
        }
        let event = Event::Finished {
            job,
            token,
            verdict: end.verdict.clone(),
            exit_code: end.exit_code,
        };
        self.keep_output(job, token, end);
        self.apply(event, now)?;
        Ok(Reported::Taken)
    }

    /// Before the event is applied, since jobs may start by it that read the output.
    fn keep_output(&mut self, job: JobId, token: u64, end: &JobEnd) {
        let Ok(at) = self.holds(job, token) else {
            return;
        };
        let output = Output {
            attempt: self.state().jobs[at].attempt,
            dotenv: end.dotenv.clone(),
            has_artifacts: end.has_artifacts,
            coverage: end.coverage.clone(),
            release: end.release.clone(),
        };
        self.durable.outputs.insert(job, output);
    }

    /// What the current or last attempt of a job left to later ones; nothing if it was lost before it reported.
    pub fn output(&self, at: usize) -> Option<&Output> {
        let output = self.durable.outputs.get(&Self::id(at))?;
        (output.attempt == self.state().jobs[at].attempt).then_some(output)
    }
}
