//! The deterministic engine of one pipeline: state machine, queue, leases, resource groups, traces, outbox.
//!
//! Every method takes the time, changes the state completely or not at all, and returns at once. What must survive a
//! crash is in [`Durable`], to be stored after each call and before the answer is given; what is not in it (the offers of
//! the runners) comes again by itself.

mod durable;
mod lease;
mod report;
mod resource;
mod trace;

use std::{collections::BTreeSet, sync::Arc};

use aqueduct_core::{
    id::{AttemptKey, JobId, PipelineId},
    plan::Plan,
    run::{
        Effect, EffectKind, Event, Ignored, Limits, PipelineState, Rules, Status, machine,
        mutant::Mutant,
    },
    sched::{self, Offer},
    time::{Millis, Timestamp},
};

pub use durable::{Durable, HeadPart, JobPart, Output, Place};
pub use lease::Candidate;
pub use report::Reported;
pub use resource::Resources;
pub use trace::{Appended, Trace};

/// How a pipeline is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its id.
    pub id: PipelineId,
    /// Deadlines and budgets of the state machine.
    pub limits: Limits,
    /// A lease ends after this long without a renewal.
    pub lease_time: Millis,
    /// A job that no known runner takes fails after this long.
    pub patience: Millis,
    /// Longest trace that is kept of an attempt, in bytes.
    pub trace_limit: u64,
    /// Resource groups belong to whoever runs several pipelines, and are not this one's business.
    pub shared_groups: bool,
    /// A deliberate fault, for the tests of the tests.
    pub mutant: Option<Mutant>,
}

/// A pipeline that is being run.
#[derive(Clone, Debug)]
pub struct Pipeline {
    plan: Arc<Plan>,
    rules: Arc<Rules>,
    settings: Settings,
    durable: Durable,
    /// What runners have offered so far, one entry a runner.
    offers: Vec<Offer>,
    /// When a runner last offered something new.
    offers_changed: Timestamp,
    /// The next deadline, if `deadline_known`: many ask for it after each change.
    deadline: Option<Timestamp>,
    deadline_known: bool,
}

impl Pipeline {
    /// A new pipeline; its first jobs are pending when this returns. `played` are full names of manual or delayed
    /// jobs that don't wait.
    pub fn begin(
        plan: Arc<Plan>,
        settings: Settings,
        played: &BTreeSet<String>,
        now: Timestamp,
    ) -> Self {
        let rules = Arc::new(rules(&plan, &settings, played));
        let durable = Durable::new(PipelineState::new(&rules, now));
        let mut pipeline = Self::of(plan, rules, settings, durable, now);
        pipeline.tick(now);
        pipeline
    }

    /// A pipeline that was stored, after a restart; [`Ignored::OtherPlan`] if it was stored for another plan.
    pub fn resume(
        plan: Arc<Plan>,
        settings: Settings,
        played: &BTreeSet<String>,
        durable: Durable,
        now: Timestamp,
    ) -> Result<Self, Ignored> {
        if durable.state.jobs.len() != plan.jobs.len() {
            return Err(Ignored::OtherPlan);
        }
        let rules = Arc::new(rules(&plan, &settings, played));
        Ok(Self::of(plan, rules, settings, durable, now))
    }

    fn of(
        plan: Arc<Plan>,
        rules: Arc<Rules>,
        settings: Settings,
        durable: Durable,
        now: Timestamp,
    ) -> Self {
        Self {
            plan,
            rules,
            settings,
            durable,
            offers: Vec::new(),
            offers_changed: now,
            deadline: None,
            deadline_known: false,
        }
    }

    /// What must be stored.
    pub const fn durable(&self) -> &Durable {
        &self.durable
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan, to be kept by others.
    pub const fn shared_plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The machine's rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The machine's state.
    pub const fn state(&self) -> &PipelineState {
        &self.durable.state
    }

    /// Id of the job at a position of the plan.
    pub const fn id(at: usize) -> JobId {
        Rules::id(at)
    }

    /// The current or last attempt of the job at a position of the plan.
    pub fn key(&self, at: usize) -> AttemptKey {
        AttemptKey {
            pipeline: self.settings.id,
            job: Self::id(at),
            attempt: self.state().jobs[at].attempt,
        }
    }

    /// What runners have offered so far.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Position of the job that has a resource group.
    pub fn holder(&self, group: &str) -> Option<usize> {
        let job = self.durable.resources.holder(group)?;
        self.rules.position(job)
    }

    /// Does whatever is due.
    pub fn tick(&mut self, now: Timestamp) {
        self.do_quietly(Event::Tick, now);
        self.refuse_unplaceable(now);
    }

    /// Nobody could be heard for a while: leases go on by that much.
    pub fn paused(&mut self, by: Millis, now: Timestamp) {
        self.do_quietly(Event::Paused { by }, now);
    }

    /// When [`Self::tick`] has something to do; `None` once every job has ended.
    pub fn next_deadline(&mut self) -> Option<Timestamp> {
        if !self.deadline_known {
            self.deadline = self.find_deadline();
            self.deadline_known = true;
        }
        self.deadline
    }

    fn find_deadline(&self) -> Option<Timestamp> {
        let machine = machine::next_deadline(&self.rules, self.state());
        let refusal = (0..self.plan.jobs.len())
            .filter(|&at| self.is_unplaceable(at))
            .map(|at| self.gives_up_at(at))
            .min();
        machine.into_iter().chain(refusal).min()
    }

    /// Plays a manual job, or starts a delayed one at once.
    pub fn play(&mut self, at: usize, now: Timestamp) -> Result<(), Ignored> {
        self.apply(Event::Play { job: Self::id(at) }, now)
    }

    /// The job at a position has its resource group, which somebody else keeps.
    pub fn resource_granted(&mut self, at: usize, now: Timestamp) -> Result<(), Ignored> {
        self.apply(Event::ResourceGranted { job: Self::id(at) }, now)
    }

    /// Tries an ended job again, or all that failed or were cancelled.
    pub fn retry(&mut self, at: Option<usize>, now: Timestamp) -> Result<(), Ignored> {
        let job = at.map(Self::id);
        self.apply(Event::Retry { job }, now)
    }

    /// Cancels a job, or all of them.
    pub fn cancel(
        &mut self,
        at: Option<usize>,
        grace: Millis,
        cause: &str,
        now: Timestamp,
    ) -> Result<(), Ignored> {
        let event = Event::Cancel {
            job: at.map(Self::id),
            grace,
            cause: cause.to_owned(),
        };
        self.apply(event, now)
    }

    /// Effects that have to be carried out, oldest first, until [`Self::carried_out`].
    pub fn outbox(&self) -> impl Iterator<Item = &Effect> {
        self.durable.outbox.iter()
    }

    /// Forgets an effect that was carried out.
    pub fn carried_out(&mut self, key: u64) {
        self.durable.outbox.retain(|effect| effect.key != key);
    }

    /// Takes all effects out, for who carries them out in the same process.
    pub fn take_outbox(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.durable.outbox).into()
    }

    /// Learns what a runner can do; whether that is news.
    pub fn learn_offer(&mut self, offer: &Offer, now: Timestamp) -> bool {
        let known = self
            .offers
            .iter_mut()
            .find(|known| known.runner == offer.runner);
        match known {
            Some(known) if known == offer => return false,
            Some(known) => known.clone_from(offer),
            None => self.offers.push(offer.clone()),
        }
        self.offers_changed = now;
        self.deadline_known = false;
        true
    }

    /// Applies an event and carries out those of its effects that stay inside.
    fn apply(&mut self, event: Event, now: Timestamp) -> Result<(), Ignored> {
        let effects = machine::apply(&self.rules, &mut self.durable.state, event, now)?;
        self.deadline_known = false;
        self.route(effects, now);
        Ok(())
    }

    /// As `apply`, for events of our own that may find the job in another state meanwhile.
    fn do_quietly(&mut self, event: Event, now: Timestamp) {
        // Ignored means that nothing was left to do.
        let _ = self.apply(event, now);
    }

    /// Resource groups are the engine's own business, all else goes to the outbox.
    fn route(&mut self, effects: Vec<Effect>, now: Timestamp) {
        for effect in effects {
            match &effect.kind {
                EffectKind::RequestResource { .. } | EffectKind::ReleaseResource { .. }
                    if self.settings.shared_groups => {}
                EffectKind::RequestResource { job, group } => {
                    self.durable.resources.request(group, *job);
                }
                EffectKind::ReleaseResource { job, group } => {
                    self.durable.resources.release(group, *job);
                }
                _ => self.durable.outbox.push_back(effect),
            }
        }
        while let Some(job) = self.durable.resources.grant() {
            self.do_quietly(Event::ResourceGranted { job }, now);
        }
    }

    /// Pending, and no runner that we know would take it.
    fn is_unplaceable(&self, at: usize) -> bool {
        self.state().jobs[at].status == Status::Pending
            && !self.offers.is_empty()
            && sched::refusal(&self.plan.jobs[at], &self.offers).is_some()
    }

    fn gives_up_at(&self, at: usize) -> Timestamp {
        self.state().jobs[at].since.max(self.offers_changed) + self.settings.patience
    }

    fn refuse_unplaceable(&mut self, now: Timestamp) {
        for at in 0..self.plan.jobs.len() {
            if !self.is_unplaceable(at) || self.gives_up_at(at) > now {
                continue;
            }
            if let Some(verdict) = sched::refusal(&self.plan.jobs[at], &self.offers) {
                let job = Self::id(at);
                self.do_quietly(Event::Refuse { job, verdict }, now);
            }
        }
    }
}

fn rules(plan: &Plan, settings: &Settings, played: &BTreeSet<String>) -> Rules {
    let mut rules = Rules::new(plan, settings.limits);
    rules.mutant = settings.mutant;
    for job in &mut rules.jobs {
        job.played = played.contains(&job.name);
    }
    rules
}
