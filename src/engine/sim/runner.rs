//! A runner that does what it is told, until it crashes or stalls.

use aqueduct_core::{
    time::{Millis, Timestamp},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::work::{Directive, JobEnd, Lease};

use super::{
    network::{Reply, Request},
    rng::Rng,
};

/// How often a runner does something for each of its attempts.
const BEAT: u64 = 1500;

#[derive(Debug)]
pub(super) struct Runner {
    slots: usize,
    attempts: Vec<Attempt>,
    pub(super) next_at: Timestamp,
}

/// An attempt as its runner sees it. Its end and the length of its trace are settled when it begins.
#[derive(Debug)]
struct Attempt {
    lease: Lease,
    started: bool,
    length: u64,
    stored: u64,
    ends_at: Timestamp,
    end: JobEnd,
    canceled: bool,
}

/// The byte of an attempt's trace at an offset.
pub(super) fn trace_byte(lease: &Lease, offset: u64) -> u8 {
    (lease
        .token
        .wrapping_mul(31)
        .wrapping_add(offset.wrapping_mul(7))
        % 251) as u8
}

impl Runner {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots,
            attempts: Vec::new(),
            next_at: Timestamp(0),
        }
    }

    /// Forgets everything, and is back after a while.
    pub(super) fn crash(&mut self, now: Timestamp, rng: &mut Rng) {
        self.attempts.clear();
        self.next_at = now + Millis(rng.below(20_000));
    }

    /// Does nothing for a while, and goes on then as if nothing had been.
    pub(super) fn stall(&mut self, now: Timestamp, rng: &mut Rng) {
        self.next_at = now + Millis(5000 + rng.below(30_000));
    }

    /// What it sends at its turn.
    pub(super) fn turn(&mut self, index: usize, now: Timestamp, rng: &mut Rng) -> Vec<Request> {
        self.next_at = now + Millis(1 + rng.below(BEAT));
        let mut requests: Vec<Request> = Vec::new();
        for attempt in &mut self.attempts {
            requests.push(attempt.turn(now, rng));
        }
        if self.attempts.len() < self.slots {
            requests.push(Request::Ask { runner: index });
        }
        requests
    }

    pub(super) fn hear(&mut self, reply: Reply, now: Timestamp, rng: &mut Rng) {
        match reply {
            Reply::Leased { lease } => {
                if !self.attempts.iter().any(|attempt| attempt.lease == lease) {
                    self.attempts.push(Attempt::new(lease, now, rng));
                }
            }
            Reply::Directive { lease, directive } => {
                if let (Directive::Cancel { .. }, Some(attempt)) = (directive, self.find(&lease)) {
                    attempt.cancel(now);
                }
            }
            Reply::TraceStored { lease, stored } => {
                if let Some(attempt) = self.find(&lease) {
                    attempt.stored = attempt.stored.max(stored);
                }
            }
            Reply::Done { lease } | Reply::Stale { lease } => {
                self.attempts.retain(|attempt| attempt.lease != lease);
            }
        }
    }

    fn find(&mut self, lease: &Lease) -> Option<&mut Attempt> {
        self.attempts
            .iter_mut()
            .find(|attempt| attempt.lease == *lease)
    }
}

impl Attempt {
    fn new(lease: Lease, now: Timestamp, rng: &mut Rng) -> Self {
        let length = rng.below(60);
        let verdict = match rng.below(10) {
            0 => Some(Verdict::exit(1)),
            1 => Some(Verdict::exit(42)),
            2 => Some(Verdict::new(VerdictKind::NodeLost, "gone")),
            _ => None,
        };
        let end = JobEnd {
            exit_code: verdict
                .as_ref()
                .map_or(Some(0), |verdict| verdict.exit_code),
            verdict,
            dotenv: vec![("ATTEMPT".into(), lease.token.to_string())],
            trace_bytes: length,
            has_artifacts: rng.chance(50),
            coverage: None,
            release: None,
        };
        Self {
            lease,
            started: false,
            length,
            stored: 0,
            ends_at: now + Millis(rng.below(25_000)),
            end,
            canceled: false,
        }
    }

    fn cancel(&mut self, now: Timestamp) {
        if !self.canceled {
            self.canceled = true;
            self.ends_at = now;
            self.end.verdict = Some(Verdict::new(VerdictKind::Canceled, "told to"));
            self.end.exit_code = None;
        }
    }

    fn turn(&mut self, now: Timestamp, rng: &mut Rng) -> Request {
        let lease = self.lease.clone();
        let over = now >= self.ends_at;
        if !over && rng.chance(40) {
            return Request::Renew { lease };
        }
        if !self.started && rng.chance(70) {
            self.started = true;
            return Request::Started { lease };
        }
        if self.stored < self.length {
            return self.chunk(rng);
        }
        if over {
            let end = self.end.clone();
            return Request::Finished { lease, end };
        }
        Request::Renew { lease }
    }

    /// Mostly from where the engine is; sometimes from before it, or beyond it as if a chunk had been lost.
    fn chunk(&self, rng: &mut Rng) -> Request {
        let offset = match rng.below(10) {
            0 => rng.below(self.stored + 1),
            1 => (self.stored + rng.below(5)).min(self.length),
            _ => self.stored,
        };
        Request::Trace {
            lease: self.lease.clone(),
            offset,
            len: (1 + rng.below(20)).min(self.length - offset) as usize,
        }
    }
}
