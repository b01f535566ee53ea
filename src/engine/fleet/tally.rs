//! What a fleet has done since its process started, counted; and told to the log.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use aqueduct_core::{
    run::{JobState, Status},
    time::{Millis, Timestamp},
    verdict::VerdictKind,
};

use super::{
    Fleet,
    live::{Live, is_held},
};

/// Upper bounds of the classes that waiting times are sorted into, in milliseconds; what is longer comes into one more.
pub const WAIT_BOUNDS: [u64; 10] = [
    10, 50, 250, 1_000, 5_000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000,
];

/// Counts since the process started; they begin anew with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs handed to runners, each attempt for itself.
    pub claimed: u64,
    /// How many of those waited how long: a class of each of [`WAIT_BOUNDS`], and one above.
    pub waited: [u64; WAIT_BOUNDS.len() + 1],
    /// How long all of those waited together, in milliseconds.
    pub waited_sum: u64,
    /// Jobs that ended, by how: the status, and the kind of the verdict if there is one.
    pub ended: BTreeMap<(Status, Option<VerdictKind>), u64>,
    /// Attempts that ended without their job: it is tried again.
    pub again: u64,
    /// Bytes of traces that were stored.
    pub trace_bytes: u64,
}

/// Where the counting is done.
#[derive(Default)]
pub(super) struct Counters {
    jobs: Mutex<Tally>,
    /// Apart, since it is counted far more often.
    trace_bytes: AtomicU64,
}

impl Counters {
    /// A job's state is about to become another one for everybody.
    pub(super) fn job(&self, live: &Live, at: usize, now: Timestamp) {
        let (was, is) = (live.stored(at), &live.pipeline.state().jobs[at]);
        if was.status == is.status && was.attempt == is.attempt {
            return;
        }
        let mut tally = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if is.attempt > was.attempt {
            tally.claim(now.since(was.since));
        }
        if is.status.is_terminal() && !was.status.is_terminal() {
            *tally.ended.entry((is.status, verdict(is))).or_default() += 1;
        } else if is_held(was.status) && !is_held(is.status) {
            tally.again += 1;
        }
        drop(tally);
        tell(live, at, is);
    }

    /// So much of a trace was stored.
    pub(super) fn trace(&self, bytes: u64) {
        self.trace_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Tally {
    fn claim(&mut self, waited: Millis) {
        let class = WAIT_BOUNDS.partition_point(|bound| *bound < waited.0);
        self.claimed += 1;
        self.waited[class] += 1;
        self.waited_sum += waited.0;
    }
}

impl Fleet {
    /// What it has done since the process started.
    pub fn tally(&self) -> Tally {
        let jobs = &self.shared.counters.jobs;
        let mut tally = jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tally.trace_bytes = self.shared.counters.trace_bytes.load(Ordering::Relaxed);
        tally
    }
}

fn verdict(state: &JobState) -> Option<VerdictKind> {
    Some(state.ending.as_ref()?.verdict.as_ref()?.kind)
}

/// An end is worth a line to everybody, what leads there to those who look closely.
fn tell(live: &Live, at: usize, state: &JobState) {
    let (job, name) = (live.job_id(at), &live.pipeline.plan().jobs[at].name);
    let (pipeline, project) = (live.row.id, &live.project_path);
    let (attempt, status) = (state.attempt, state.status);
    if status.is_terminal() {
        let verdict = verdict(state).map(VerdictKind::name);
        tracing::info!(%pipeline, %project, %job, %name, attempt, %status, verdict, "a job ended");
    } else {
        tracing::debug!(%pipeline, %project, %job, %name, attempt, %status, "a job goes on");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_are_sorted_by_their_upper_bounds() {
        let mut tally = Tally::default();
        for waited in [0, 10, 11, 7_200_001] {
            tally.claim(Millis(waited));
        }
        assert_eq!(tally.waited[..2], [2, 1]);
        assert_eq!(tally.waited.last(), Some(&1));
        assert_eq!((tally.claimed, tally.waited_sum), (4, 7_200_022));
    }
}
