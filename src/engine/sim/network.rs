//! Messages on their way.

use aqueduct_core::time::{Millis, Timestamp};
use aqueduct_ports::work::{Directive, JobEnd, Lease};

use super::rng::Rng;

/// To the engine.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Ask {
        runner: usize,
    },
    Renew {
        lease: Lease,
    },
    Started {
        lease: Lease,
    },
    Trace {
        lease: Lease,
        offset: u64,
        len: usize,
    },
    Finished {
        lease: Lease,
        end: JobEnd,
    },
}

/// To a runner.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Leased { lease: Lease },
    Directive { lease: Lease, directive: Directive },
    TraceStored { lease: Lease, stored: u64 },
    Done { lease: Lease },
    Stale { lease: Lease },
}

#[derive(Clone, Debug)]
pub(super) enum Message {
    Request { from: usize, request: Request },
    Reply { to: usize, reply: Reply },
}

/// Loses, doubles, delays and thereby reorders.
#[derive(Debug, Default)]
pub(super) struct Network {
    on_the_way: Vec<(Timestamp, Message)>,
}

impl Network {
    pub(super) fn send(&mut self, message: &Message, now: Timestamp, rng: &mut Rng, chaos: bool) {
        let mut copies = 1;
        if chaos {
            copies = match rng.below(20) {
                0 => 0,
                1 => 2,
                _ => 1,
            };
        }
        for _ in 0..copies {
            let slow = chaos && rng.chance(3);
            let delay = if slow {
                rng.below(30_000)
            } else {
                rng.below(200)
            };
            self.on_the_way
                .push((now + Millis(1 + delay), message.clone()));
        }
    }

    /// When the next message arrives.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.on_the_way.iter().map(|(at, _)| *at).min()
    }

    /// A message that has arrived.
    pub(super) fn arrived(&mut self, now: Timestamp) -> Option<Message> {
        let (at, _) = self
            .on_the_way
            .iter()
            .enumerate()
            .min_by_key(|(_, (at, _))| *at)?;
        (self.on_the_way[at].0 <= now).then(|| self.on_the_way.swap_remove(at).1)
    }
}
