//! A source of work in memory that remembers everything and can be made to fail.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use aqueduct_core::{id::AttemptKey, time::Millis};
use aqueduct_ports::work::{
    Assignment, Directive, JobEnd, Lease, Offer, Report, WorkError, WorkSource,
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

/// What is known of an attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) trace: Vec<u8>,
    pub(super) started: u32,
    pub(super) ends: Vec<JobEnd>,
    pub(super) renewals: u32,
    /// How often the trace was lost.
    pub(super) forgotten: u32,
}

impl Record {
    /// Loses the trace unless that has happened more often than `before` times.
    fn forget_once(&mut self, before: u32) -> bool {
        let now = self.forgotten == before;
        if now {
            self.forgotten += 1;
            self.trace.clear();
        }
        now
    }
}

/// How the source misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trouble {
    #[default]
    None,
    /// Every second append is answered with an error, half of those after it was stored.
    Appends,
    /// Every second append is stored only in part.
    ShortAppends,
    /// The first two reports of each kind are not taken.
    Reports,
    /// Comes back without a byte of the trace: once in the middle, and once when the end is reported.
    Forgets,
}

#[derive(Debug)]
pub(super) struct Source {
    queue: Mutex<VecDeque<Assignment>>,
    records: Mutex<BTreeMap<AttemptKey, Record>>,
    calls: AtomicU64,
    trouble: Trouble,
    /// What `canceled` says; `None` for nothing.
    cancel: watch::Sender<Option<Millis>>,
    /// Every lease is over.
    stale: watch::Sender<bool>,
}

impl Source {
    pub(super) fn new(assignments: Vec<Assignment>, trouble: Trouble) -> Self {
        Self {
            queue: Mutex::new(assignments.into()),
            records: Mutex::default(),
            calls: AtomicU64::new(0),
            trouble,
            cancel: watch::Sender::new(None),
            stale: watch::Sender::new(false),
        }
    }

    pub(super) fn cancel(&self, grace: Millis) {
        self.cancel.send_replace(Some(grace));
    }

    pub(super) fn end_leases(&self) {
        self.stale.send_replace(true);
    }

    pub(super) fn record(&self, key: AttemptKey) -> Record {
        let records = self.records.lock().unwrap();
        records.get(&key).cloned().unwrap_or_default()
    }

    /// Waits until the attempt's trace holds `text`.
    pub(super) async fn trace_has(&self, key: AttemptKey, text: &str) {
        for _ in 0..1000 {
            if String::from_utf8_lossy(&self.record(key).trace).contains(text) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no '{text}' in the trace: {:?}", self.record(key));
    }

    fn change<T>(
        &self,
        lease: &Lease,
        change: impl FnOnce(&mut Record) -> T,
    ) -> Result<T, WorkError> {
        if *self.stale.borrow() {
            return Err(WorkError::Stale);
        }
        let mut records = self.records.lock().unwrap();
        Ok(change(records.entry(lease.key).or_default()))
    }
}

#[async_trait]
impl WorkSource for Source {
    async fn lease(&self, _offer: &Offer) -> Result<Option<Assignment>, WorkError> {
        Ok(self.queue.lock().unwrap().pop_front())
    }

    async fn renew(&self, lease: &Lease) -> Result<Directive, WorkError> {
        self.change(lease, |record| record.renewals += 1)?;
        Ok(Directive::Continue)
    }

    async fn canceled(&self, _lease: &Lease) -> Directive {
        let mut cancel = self.cancel.subscribe();
        let grace = cancel.wait_for(Option::is_some).await.unwrap().unwrap();
        Directive::Cancel { grace }
    }

    async fn append_trace(
        &self,
        lease: &Lease,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, WorkError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let odd = call % 2 == 1;
        if self.trouble == Trouble::Appends && odd && call % 4 == 1 {
            return Err(WorkError::Unavailable("down".into()));
        }
        let stored = self.change(lease, |record| {
            if self.trouble == Trouble::Forgets && record.trace.len() > 2_500_000 {
                record.forget_once(0);
            }
            let length = record.trace.len() as u64;
            let taken = match self.trouble {
                Trouble::ShortAppends if odd => bytes.len() / 2,
                _ => bytes.len(),
            };
            if let Some(known) = length.checked_sub(offset) {
                let new = bytes.get(known as usize..taken).unwrap_or_default();
                record.trace.extend_from_slice(new);
            }
            record.trace.len() as u64
        })?;
        if self.trouble == Trouble::Appends && odd {
            return Err(WorkError::Unavailable("the answer was lost".into()));
        }
        Ok(stored)
    }

    async fn report(&self, lease: &Lease, report: Report) -> Result<(), WorkError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if self.trouble == Trouble::Reports && !call.is_multiple_of(3) {
            return Err(WorkError::Unavailable("down".into()));
        }
        self.change(lease, |record| match report {
            Report::Started(_) => {
                record.started += 1;
                Ok(())
            }
            Report::Finished(_) if self.trouble == Trouble::Forgets && record.forget_once(1) => {
                Err(WorkError::TraceIncomplete { stored: 0 })
            }
            Report::Finished(end) => {
                record.ends.push(end);
                Ok(())
            }
        })?
    }
}
