//! Traces: appended under a lease, read by anybody who may.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId},
    time::Millis,
};
use aqueduct_ports::store::{Appended, StoreError, TraceHead};
use bytes::Bytes;

use super::{Change, Fleet, FleetError, Holder, Standing};

/// How far the traces of the attempts are that runners have, as far as this process has appended to them: what is stored of one
/// only grows.
#[derive(Default)]
pub(super) struct Tails(Mutex<HashMap<GlobalJobId, (u32, TraceHead)>>);

impl Tails {
    fn learn(&self, attempt: GlobalAttempt, head: &TraceHead) {
        let mut known = self.lock();
        let (number, tail) = known.entry(attempt.job).or_default();
        if *number != attempt.attempt || tail.received < head.received {
            (*number, *tail) = (attempt.attempt, head.clone());
        }
    }

    fn get(&self, attempt: GlobalAttempt) -> Option<TraceHead> {
        let known = self.lock();
        let (number, tail) = known.get(&attempt.job)?;
        (*number == attempt.attempt).then(|| tail.clone())
    }

    /// No runner has the job any more.
    pub(super) fn forget(&self, job: GlobalJobId) {
        self.lock().remove(&job);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GlobalJobId, (u32, TraceHead)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// How far an attempt's trace is, if it is at least `wanted` bytes; else how far it is just now.
    pub async fn trace_head(
        &self,
        attempt: GlobalAttempt,
        wanted: u64,
    ) -> Result<TraceHead, StoreError> {
        match self.shared.tails.get(attempt) {
            Some(tail) if tail.received >= wanted => Ok(tail),
            _ => self.store().trace_head(attempt).await,
        }
    }

    /// Appends to the trace of an attempt, which is a sign of life too. The bytes are on disk when this returns. `None` beside a
    /// standing of [`Standing::Over`]: nothing was taken.
    pub async fn append_trace(
        &self,
        holder: &Holder,
        offset: u64,
        bytes: Bytes,
        lease_time: Millis,
    ) -> Result<(Standing, Option<Appended>), FleetError> {
        let standing = self.heartbeat(holder, lease_time).await?;
        if let Standing::Over(_) = standing {
            return Ok((standing, None));
        }
        let length = bytes.len() as u64;
        let (limit, now) = (self.shared.config.trace_limit, self.shared.clock.now());
        let appended = self
            .store()
            .append_trace(holder.attempt, offset, bytes, limit, now)
            .await?;
        self.shared.tails.learn(holder.attempt, &appended.head);
        if appended.head.received >= offset.saturating_add(length) {
            self.shared.counters.trace(length);
        }
        self.announce(Change::Trace {
            pipeline: holder.pipeline,
            attempt: holder.attempt,
        });
        Ok((standing, Some(appended)))
    }
}
