//! Traces by offset: at least once from the runner, exactly once in the store.

use std::ops::Range;

use aqueduct_core::{
    id::JobId,
    run::{
        Ignored,
        mutant::{self, Mutant},
    },
};
use serde::{Deserialize, Serialize};

use super::Pipeline;

/// How far the trace of an attempt has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The attempt.
    pub attempt: u32,
    /// Bytes received in order; what the next chunk has to begin at.
    pub received: u64,
    /// Bytes kept: less than received once the limit was reached.
    pub kept: u64,
}

/// What to do with a chunk of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where the next chunk has to begin: the answer to the runner.
    pub received: u64,
    /// Which bytes of the chunk to append to the stored trace; empty for a repeat or a gap.
    pub keep: Range<usize>,
    /// The limit was reached just now: say so at the end of the trace.
    pub limit_reached: bool,
}

impl Pipeline {
    /// Takes a chunk of `len` bytes that begins at `offset`. A repeat is dropped, a gap is refused by an answer that
    /// lies before `offset`.
    pub fn append_trace(
        &mut self,
        job: JobId,
        token: u64,
        offset: u64,
        len: usize,
    ) -> Result<Appended, Ignored> {
        let at = self.holds(job, token)?;
        let attempt = self.state().jobs[at].attempt;
        let trace = self.durable.traces.entry(job).or_default();
        if trace.attempt != attempt {
            *trace = Trace {
                attempt,
                ..Trace::default()
            };
        }
        let tolerant = mutant::active(self.settings.mutant, Mutant::TakesTraceWithGap);
        let fresh = fresh_bytes(trace.received, offset, len, tolerant);
        Ok(trace.take(fresh, self.settings.trace_limit))
    }

    /// The trace of a job's current or last attempt.
    pub fn trace(&self, at: usize) -> Trace {
        let attempt = self.state().jobs[at].attempt;
        let trace = self.durable.traces.get(&Self::id(at)).copied();
        trace
            .filter(|trace| trace.attempt == attempt)
            .unwrap_or(Trace {
                attempt,
                ..Trace::default()
            })
    }
}

impl Trace {
    fn take(&mut self, fresh: Range<usize>, limit: u64) -> Appended {
        let room = usize::try_from(limit.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        let keep = fresh.start..fresh.end.min(fresh.start.saturating_add(room));
        let was_whole = self.kept == self.received;
        self.received += fresh.len() as u64;
        self.kept += keep.len() as u64;
        Appended {
            received: self.received,
            limit_reached: was_whole && self.kept < self.received,
            keep,
        }
    }
}

/// Which bytes of a chunk are new: none of a repeat, and none after a gap.
fn fresh_bytes(received: u64, offset: u64, len: usize, tolerant: bool) -> Range<usize> {
    match received.checked_sub(offset) {
        Some(known) => usize::try_from(known).unwrap_or(usize::MAX).min(len)..len,
        None if tolerant => 0..len,
        None => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_gaps_add_nothing() {
        // (received, offset, len) → which bytes of the chunk are new
        let table = [
            ((0, 0, 4), 0..4),
            ((4, 4, 2), 0..2),
            ((4, 0, 4), 4..4),
            ((4, 2, 4), 2..4),
            ((4, 0, 2), 2..2),
            ((4, 5, 3), 0..0),
            ((u64::MAX, 0, 3), 3..3),
        ];
        for ((received, offset, len), fresh) in table {
            assert_eq!(
                fresh_bytes(received, offset, len, false),
                fresh,
                "{received} {offset} {len}"
            );
        }
    }

    #[test]
    fn the_limit_cuts_once_and_says_so_once() {
        let mut trace = Trace::default();
        let first = trace.take(0..6, 10);
        assert_eq!((first.keep, first.limit_reached), (0..6, false));
        let second = trace.take(0..6, 10);
        assert_eq!((second.keep, second.limit_reached), (0..4, true));
        let third = trace.take(0..6, 10);
        assert_eq!((third.keep, third.limit_reached), (0..0, false));
        assert_eq!((trace.received, trace.kept), (18, 10));
    }
}
