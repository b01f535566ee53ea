//! Handing out jobs.

use std::collections::HashSet;

use aqueduct_core::{
    id::JobId,
    run::{Event, Ignored, Status},
    sched::{self, Offer},
    time::{Millis, Timestamp},
    verdict::Verdict,
};
use aqueduct_ports::work::{Dependency, Directive, Lease};

use super::{Output, Pipeline};

/// A job that a runner may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Position of the job in the plan.
    pub at: usize,
    /// The executor of the offer that takes it.
    pub executor: String,
}

impl Pipeline {
    /// The pending job that a runner with this offer gets next: the one that has waited longest, by the plan's order among
    /// equals.
    pub fn candidate(&self, offer: &Offer) -> Option<Candidate> {
        let pending = |at: &usize| self.state().jobs[*at].status == Status::Pending;
        let fits = |at: usize| Some((at, sched::place(&self.plan.jobs[at], offer)?));
        let (at, executor) = (0..self.plan.jobs.len())
            .filter(pending)
            .filter_map(fits)
            .min_by_key(|(at, _)| (self.state().jobs[*at].since, *at))?;
        Some(Candidate {
            at,
            executor: executor.to_owned(),
        })
    }

    /// Gives the job at a position to a runner.
    pub fn lease(&mut self, at: usize, now: Timestamp) -> Result<Lease, Ignored> {
        let event = Event::Lease {
            job: Self::id(at),
            lease_time: self.settings.lease_time,
        };
        self.apply(event, now)?;
        let lease = self.state().jobs[at].lease.ok_or(Ignored::WrongState)?;
        Ok(Lease {
            key: self.key(at),
            token: lease.token,
        })
    }

    /// Fails a pending job that can't be given to anybody.
    pub fn refuse(&mut self, at: usize, verdict: Verdict, now: Timestamp) {
        let job = Self::id(at);
        self.do_quietly(Event::Refuse { job, verdict }, now);
    }

    /// Extends a lease.
    pub fn renew(&mut self, job: JobId, token: u64, now: Timestamp) -> Result<Directive, Ignored> {
        self.renew_for(job, token, self.settings.lease_time, now)
    }

    /// Extends a lease by a time that suits its runner.
    pub fn renew_for(
        &mut self,
        job: JobId,
        token: u64,
        lease_time: Millis,
        now: Timestamp,
    ) -> Result<Directive, Ignored> {
        let event = Event::Renew {
            job,
            token,
            lease_time,
        };
        self.apply(event, now)?;
        Ok(self.directive(job, token, now)?.0)
    }

    /// What the holder of a lease has to do, and until when a cancelled attempt may live.
    pub fn directive(
        &self,
        job: JobId,
        token: u64,
        now: Timestamp,
    ) -> Result<(Directive, Option<Timestamp>), Ignored> {
        let at = self.holds(job, token)?;
        Ok(match &self.state().jobs[at].cancel {
            None => (Directive::Continue, None),
            Some(cancel) => {
                let ends = cancel.at + cancel.grace;
                let grace = ends.since(now);
                (Directive::Cancel { grace }, Some(ends))
            }
        })
    }

    /// The job's position, if `token` is that of its current lease.
    pub(super) fn holds(&self, job: JobId, token: u64) -> Result<usize, Ignored> {
        let at = self.rules.position(job).ok_or(Ignored::UnknownJob)?;
        let state = &self.state().jobs[at];
        if state.lease.is_some_and(|lease| lease.token == token) {
            Ok(at)
        } else if state.reported == Some(token) {
            Err(Ignored::Repeat)
        } else {
            Err(Ignored::Stale)
        }
    }

    /// Jobs whose artifacts the job at a position fetches.
    pub fn dependencies(&self, at: usize) -> Vec<Dependency> {
        let left_some = |output: &Output| output.has_artifacts;
        self.sources(at)
            .filter(|source| self.output(*source).is_some_and(left_some))
            .map(|source| Dependency {
                key: self.key(source),
                name: self.plan.jobs[source].name.clone(),
                base: self.plan.jobs[source].base.clone(),
            })
            .collect()
    }

    /// Variables that the job at a position gets from dotenv reports; later jobs of the plan win.
    pub fn dotenv(&self, at: usize) -> impl Iterator<Item = &(String, String)> {
        self.sources(at)
            .filter_map(|source| self.output(source))
            .flat_map(|output| &output.dotenv)
    }

    fn sources(&self, at: usize) -> impl Iterator<Item = usize> {
        let wanted = self.plan.jobs[at].artifacts_from.iter();
        let wanted: HashSet<&str> = wanted.map(String::as_str).collect();
        let jobs = self.plan.jobs.iter().enumerate();
        jobs.filter(move |(_, job)| wanted.contains(job.name.as_str()))
            .map(|(source, _)| source)
    }

    /// How long a lease lasts without a renewal.
    pub const fn lease_time(&self) -> Millis {
        self.settings.lease_time
    }
}
