//! The engine with its store: crashes lose what is not stored, and a crash within a call loses the call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aqueduct_core::{
    plan::{Plan, When},
    run::{Ignored, Status},
    sched::Offer,
    time::Timestamp,
};
use aqueduct_ports::work::{JobEnd, Lease};

use super::{
    network::{Reply, Request},
    rng::Rng,
    runner::trace_byte,
    watcher::Watcher,
};
use crate::pipeline::{Durable, Pipeline, Reported, Settings};

pub(super) struct EngineSide {
    pub(super) pipeline: Pipeline,
    pub(super) watcher: Watcher,
    plan: Arc<Plan>,
    settings: Settings,
    played: BTreeSet<String>,
    /// Stored traces by job and attempt, written in the same transaction as the pipeline.
    traces: BTreeMap<(u64, u32), Vec<u8>>,
    /// The newest token of each job, and those whose end was taken.
    newest: BTreeMap<u64, u64>,
    taken: BTreeSet<u64>,
    /// Somebody played a manual job while jobs behind it ran already: from then on, order is another matter.
    pub(super) played_late: bool,
    /// The first invariant that a call itself broke.
    pub(super) broken: Option<String>,
}

impl EngineSide {
    pub(super) fn new(
        plan: Plan,
        settings: Settings,
        played: BTreeSet<String>,
        now: Timestamp,
    ) -> Self {
        let plan = Arc::new(plan);
        Self {
            pipeline: Pipeline::begin(Arc::clone(&plan), settings.clone(), &played, now),
            watcher: Watcher::new(plan.jobs.len()),
            plan,
            settings,
            played,
            traces: BTreeMap::new(),
            newest: BTreeMap::new(),
            taken: BTreeSet::new(),
            played_late: false,
            broken: None,
        }
    }

    /// Comes back with what was stored.
    pub(super) fn restart(&mut self, durable: Durable, now: Timestamp) {
        let plan = Arc::clone(&self.plan);
        let settings = self.settings.clone();
        self.pipeline = Pipeline::resume(plan, settings, &self.played, durable, now).unwrap();
    }

    /// What a real store gives back.
    pub(super) fn stored(&self) -> Durable {
        let bytes = serde_json::to_vec(self.pipeline.durable()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Works off a request; `crash` is whether the engine dies before it stores and answers.
    pub(super) fn serve(
        &mut self,
        request: &Request,
        offers: &[Offer],
        now: Timestamp,
        crash: bool,
    ) -> Option<Reply> {
        let before = crash.then(|| self.pipeline.durable().clone());
        let traces = crash.then(|| self.traces.clone());
        let reply = match request {
            Request::Ask { runner } => self.ask(&offers[*runner], now),
            Request::Renew { lease } => Some(self.renew(lease, now)),
            Request::Started { lease } => {
                match self.pipeline.started(lease.key.job, lease.token, now) {
                    Ok(()) | Err(Ignored::Repeat) => None,
                    Err(_) => Some(stale(lease)),
                }
            }
            Request::Trace { lease, offset, len } => Some(self.trace(lease, *offset, *len)),
            Request::Finished { lease, end } => Some(self.finished(lease, end, now, crash)),
        };
        if let (Some(before), Some(traces)) = (before, traces) {
            self.traces = traces;
            self.restart(before, now);
            return None;
        }
        self.note_lease(reply.as_ref());
        reply
    }

    fn ask(&mut self, offer: &Offer, now: Timestamp) -> Option<Reply> {
        self.pipeline.learn_offer(offer, now);
        let candidate = self.pipeline.candidate(offer)?;
        if !self.played_late {
            self.check_order(candidate.at);
        }
        self.check_inputs(candidate.at);
        let lease = self.pipeline.lease(candidate.at, now).ok()?;
        Some(Reply::Leased { lease })
    }

    fn renew(&mut self, lease: &Lease, now: Timestamp) -> Reply {
        match self.pipeline.renew(lease.key.job, lease.token, now) {
            Ok(directive) => Reply::Directive {
                lease: lease.clone(),
                directive,
            },
            Err(_) => stale(lease),
        }
    }

    fn trace(&mut self, lease: &Lease, offset: u64, len: usize) -> Reply {
        let appended = match self
            .pipeline
            .append_trace(lease.key.job, lease.token, offset, len)
        {
            Ok(appended) => appended,
            Err(Ignored::Repeat) => {
                return Reply::Done {
                    lease: lease.clone(),
                };
            }
            Err(_) => return stale(lease),
        };
        let trace = self
            .traces
            .entry((lease.key.job.0, lease.key.attempt))
            .or_default();
        for at in appended.keep {
            let byte = trace_byte(lease, offset + at as u64);
            if byte != trace_byte(lease, trace.len() as u64) {
                self.broken = Some(format!("the trace of {} has a gap", lease.key));
            }
            trace.push(byte);
        }
        Reply::TraceStored {
            lease: lease.clone(),
            stored: appended.received,
        }
    }

    fn finished(&mut self, lease: &Lease, end: &JobEnd, now: Timestamp, crash: bool) -> Reply {
        let job = lease.key.job;
        match self.pipeline.finished(job, lease.token, end, now) {
            Ok(Reported::Taken) => {
                if !crash {
                    self.check_taken(lease, end);
                }
                Reply::Done {
                    lease: lease.clone(),
                }
            }
            Ok(Reported::TraceIncomplete { received }) => Reply::TraceStored {
                lease: lease.clone(),
                stored: received,
            },
            Err(Ignored::Repeat) => Reply::Done {
                lease: lease.clone(),
            },
            Err(_) => stale(lease),
        }
    }

    fn note_lease(&mut self, reply: Option<&Reply>) {
        if let Some(Reply::Leased { lease }) = reply {
            let newest = self.newest.insert(lease.key.job.0, lease.token);
            if newest.is_some_and(|newest| newest >= lease.token) {
                self.broken = Some("a token was given out twice".into());
            }
        }
    }

    /// An end is taken once, from the newest lease, with the whole trace.
    fn check_taken(&mut self, lease: &Lease, end: &JobEnd) {
        if !self.taken.insert(lease.token) {
            self.broken = Some(format!("the end of {} was taken twice", lease.key));
        }
        if self.newest.get(&lease.key.job.0) != Some(&lease.token) {
            self.broken = Some(format!("the end of {} came from an old lease", lease.key));
        }
        let trace = self.traces.get(&(lease.key.job.0, lease.key.attempt));
        let kept = end.trace_bytes.min(self.settings.trace_limit);
        if trace.map_or(0, Vec::len) as u64 != kept {
            self.broken = Some(format!("the trace of {} is not complete", lease.key));
        }
    }

    /// Variables come from attempts whose end was taken, and from the newest of each job.
    fn check_inputs(&mut self, at: usize) {
        let newest: Vec<u64> = self.newest.values().copied().collect();
        for (_, token) in self.pipeline.dotenv(at) {
            let token: u64 = token.parse().unwrap();
            if !self.taken.contains(&token) || !newest.contains(&token) {
                self.broken = Some(format!(
                    "job {at} gets variables of an attempt that was lost"
                ));
                return;
            }
        }
    }

    /// What a job waits for has ended, or is an optional manual job, before it is handed out.
    fn check_order(&mut self, at: usize) {
        let jobs = &self.plan.jobs;
        if jobs[at].needs.is_some() && jobs[at].when == When::Always {
            // One skipped need decides at once, and `always` runs after it.
            return;
        }
        let waits_for = |other: usize| match &jobs[at].needs {
            Some(needs) => needs.iter().any(|need| need.job == jobs[other].name),
            None => jobs[other].stage_index < jobs[at].stage_index,
        };
        let status = |other: usize| self.pipeline.state().jobs[other].status;
        let too_early = (0..jobs.len()).find(|&other| {
            waits_for(other) && !status(other).is_terminal() && status(other) != Status::Manual
        });
        if let Some(other) = too_early {
            self.broken = Some(format!(
                "job {at} was handed out before job {other} had ended"
            ));
        }
    }

    /// Delivers some of what waits in the outbox; `crash` is whether it dies before noting the last one.
    pub(super) fn deliver(&mut self, rng: &mut Rng, chaos: bool) {
        let count = if chaos {
            rng.below(6) as usize
        } else {
            usize::MAX
        };
        let effects: Vec<_> = self.pipeline.outbox().take(count).cloned().collect();
        for effect in effects {
            if let Err(broken) = self.watcher.carry_out(&effect) {
                self.broken = Some(broken);
                return;
            }
            let noted = !(chaos && rng.chance(10));
            if !noted {
                return;
            }
            self.pipeline.carried_out(effect.key);
        }
    }
}

fn stale(lease: &Lease) -> Reply {
    Reply::Stale {
        lease: lease.clone(),
    }
}
