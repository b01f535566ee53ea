//! One world: a pipeline, its runners, the network between them, and what goes wrong.

use std::collections::BTreeSet;

use aqueduct_core::{
    id::PipelineId,
    platform::Arch,
    run::{Limits, Status, mutant::Mutant},
    sched::{ExecutorOffer, Offer, TagPolicy},
    time::{Millis, Timestamp},
};

use super::{
    checks,
    engine_side::EngineSide,
    network::{Message, Network},
    plans,
    rng::Rng,
    runner::Runner,
};
use crate::pipeline::Settings;

/// Steps with chaos.
const CHAOS_STEPS: u32 = 120;
/// By then it has to have ended: every job may need a few attempts of twenty seconds, at a step a second for each runner.
const MOST_STEPS: u32 = 6000;

pub(super) struct World {
    rng: Rng,
    now: Timestamp,
    side: EngineSide,
    network: Network,
    runners: Vec<Runner>,
    offers: Vec<Offer>,
}

/// Lives through the world of a seed; how many steps it took, or what was broken at which step.
pub(super) fn run(seed: u64, mutant: Option<Mutant>) -> Result<u32, String> {
    let mut world = World::new(seed, mutant);
    let mut step = 0;
    while !world.is_over() {
        step += 1;
        world.step(step < CHAOS_STEPS);
        let at_step = |broken| format!("seed {seed}, step {step}: {broken}");
        checks::check(&world.side, world.now).map_err(at_step)?;
        if step > MOST_STEPS {
            return Err(at_step(format!(
                "it never ends: {:?}",
                world.side.pipeline.state()
            )));
        }
    }
    Ok(step)
}

fn settings(rng: &mut Rng, mutant: Option<Mutant>) -> Settings {
    Settings {
        id: PipelineId(1),
        limits: Limits {
            idle: Millis::from_secs(600),
            pending: Millis::from_secs(120),
            slack: Millis::from_secs(5),
            cancel_grace: Millis::from_secs(2),
            infrastructure_retries: 2,
            claims: 3,
            returns: 3,
        },
        lease_time: Millis::from_secs(10),
        patience: Millis::from_secs(1),
        trace_limit: if rng.chance(20) { 40 } else { u64::MAX },
        shared_groups: false,
        mutant,
    }
}

fn offer(runner: usize, rng: &mut Rng) -> Offer {
    Offer {
        runner: format!("r{runner}"),
        executors: vec![ExecutorOffer::host(vec![Arch::Amd64], false)],
        tags: TagPolicy::Only(if rng.chance(70) {
            vec!["docker".into()]
        } else {
            Vec::new()
        }),
        run_untagged: true,
    }
}

impl World {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut rng = Rng::new(seed);
        let now = Timestamp(1_000_000);
        let plan = plans::plan(&mut rng);
        let settings = settings(&mut rng, mutant);
        let names = plan.jobs.iter().map(|job| job.name.clone());
        let played: BTreeSet<String> = names.filter(|_| rng.chance(30)).collect();
        let runners = 1 + rng.below(3) as usize;
        Self {
            offers: (0..runners).map(|runner| offer(runner, &mut rng)).collect(),
            runners: (0..runners)
                .map(|_| Runner::new(1 + rng.below(3) as usize))
                .collect(),
            side: EngineSide::new(plan, settings, played, now),
            network: Network::default(),
            rng,
            now,
        }
    }

    /// Every job has ended and everybody knows.
    fn is_over(&self) -> bool {
        self.side.pipeline.state().is_terminal() && self.side.pipeline.outbox().next().is_none()
    }

    fn step(&mut self, chaos: bool) {
        self.pass_time(chaos);
        if chaos {
            self.misfortune();
        }
        if let Some(message) = self.network.arrived(self.now) {
            self.deliver(message, chaos);
        } else {
            self.turn_of_a_runner(chaos);
        }
        self.side.pipeline.tick(self.now);
        self.side.deliver(&mut self.rng, chaos);
    }

    /// To the next thing that happens; with chaos, sometimes beyond it.
    fn pass_time(&mut self, chaos: bool) {
        let runners = self.runners.iter().map(|runner| runner.next_at);
        let next = runners
            .chain(self.network.next_at())
            .chain(self.side.pipeline.next_deadline())
            .min();
        let late = if chaos && self.rng.chance(2) {
            self.rng.below(15_000)
        } else {
            0
        };
        // Where only people could move it on, nobody comes.
        let idle = self.side.pipeline.state().is_at_rest() && !chaos;
        let deadline = self.side.pipeline.next_deadline().filter(|_| idle);
        self.now = self.now.max(deadline.or(next).unwrap_or(self.now)) + Millis(late);
    }

    fn misfortune(&mut self) {
        match self.rng.below(200) {
            0..=3 => {
                // Writing and reading it each time would be most of the simulation's work.
                let stored = if self.rng.chance(20) {
                    self.side.stored()
                } else {
                    self.side.pipeline.durable().clone()
                };
                self.side.restart(stored, self.now);
            }
            4..=5 => {
                let runner = self.a_runner();
                self.runners[runner].crash(self.now, &mut self.rng);
            }
            6..=8 => {
                let runner = self.a_runner();
                self.runners[runner].stall(self.now, &mut self.rng);
            }
            9 => self.cancel_something(),
            10..=15 => self.play_something(),
            _ => {}
        }
    }

    fn a_runner(&mut self) -> usize {
        self.rng.below(self.runners.len() as u64) as usize
    }

    fn cancel_something(&mut self) {
        let jobs = self.side.pipeline.state().jobs.len() as u64;
        let at = self.rng.chance(50).then(|| self.rng.below(jobs) as usize);
        let grace = Millis(self.rng.below(5000));
        // Ignored where the job has ended.
        let _ = self.side.pipeline.cancel(at, grace, "by chance", self.now);
    }

    fn play_something(&mut self) {
        let jobs = &self.side.pipeline.state().jobs;
        let held = |at: &usize| matches!(jobs[*at].status, Status::Manual | Status::Scheduled);
        let held: Vec<usize> = (0..jobs.len()).filter(held).collect();
        if !held.is_empty() {
            let at = *self.rng.pick(&held);
            self.side.played_late = true;
            // It is held: this can't be ignored.
            let _ = self.side.pipeline.play(at, self.now);
        }
    }

    fn deliver(&mut self, message: Message, chaos: bool) {
        match message {
            Message::Request { from, request } => {
                let crash = chaos && self.rng.chance(2);
                let reply = self.side.serve(&request, &self.offers, self.now, crash);
                if let Some(reply) = reply {
                    let message = Message::Reply { to: from, reply };
                    self.network.send(&message, self.now, &mut self.rng, chaos);
                }
            }
            Message::Reply { to, reply } => {
                self.runners[to].hear(reply, self.now, &mut self.rng);
            }
        }
    }

    fn turn_of_a_runner(&mut self, chaos: bool) {
        let mut runners = self.runners.iter();
        let Some(index) = runners.position(|runner| runner.next_at <= self.now) else {
            return;
        };
        for request in self.runners[index].turn(index, self.now, &mut self.rng) {
            let message = Message::Request {
                from: index,
                request,
            };
            self.network.send(&message, self.now, &mut self.rng, chaos);
        }
    }
}
