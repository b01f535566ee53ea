//! The state machine of a pipeline and its jobs: every legal move, here and, as far as people ask for it, in the file beside it.
//!
//! ```text
//! created ─┬─► manual ──(play)──┐
//!          ├─► scheduled ─(due)─┤
//!          ├────────────────────┴─► [waiting_for_resource] ─► pending ─► preparing ─► running ─► success
//!          └─► skipped                                           ▲                       │  └──► failed
//!                                                                └──── retry, lost claim ┘
//!          any state that has not ended ─► canceled
//! ```
//!
//! `success`, `failed` and `canceled` are left only if somebody asks for another try. `skipped` is left in two cases: somebody plays
//! a manual job that the skipped one was behind, or retries one. Every state that has not ended has a deadline ([`deadline`]).

mod people;

use super::{
    Budget, Effect, EffectKind, Ending, Event, Graph, Ignored, LeaseState, PipelineState, Rules,
    Seen, SeenSet, Status, composite,
    mutant::{self, Mutant},
    retry, start,
};
use crate::{
    id::JobId,
    plan::{AllowFailure, When},
    time::{Millis, Timestamp},
    verdict::{Verdict, VerdictKind},
};

/// Applies one event. Total: whatever arrives is answered with the effects it has, or with why it has none, in which
/// case the state is as it was.
pub fn apply(
    rules: &Rules,
    state: &mut PipelineState,
    event: Event,
    now: Timestamp,
) -> Result<Vec<Effect>, Ignored> {
    if state.jobs.len() != rules.jobs.len() {
        return Err(Ignored::OtherPlan);
    }
    let mut step = Step {
        rules,
        state,
        now,
        effects: Vec::new(),
    };
    step.event(event)?;
    step.settle();
    Ok(step.effects)
}

/// When the job at a position moves by itself; `None` once it has ended.
pub fn deadline(rules: &Rules, state: &PipelineState, at: usize) -> Option<Timestamp> {
    let (job, job_rules, limits) = (state.jobs.get(at)?, rules.jobs.get(at)?, &rules.limits);
    match job.status {
        Status::Created | Status::Manual | Status::WaitingForResource => {
            Some(state.begun.max(job.since) + limits.idle)
        }
        Status::Scheduled => Some(job.since + job_rules.start_in),
        Status::Pending => Some(job.since + limits.pending),
        Status::Preparing | Status::Running => {
            // Without a lease nobody will report: due at once.
            let Some(lease) = job.lease else {
                return Some(job.since);
            };
            let whole = lease.started.unwrap_or(lease.taken) + job_rules.timeout + limits.slack;
            let canceled = job
                .cancel
                .as_ref()
                .map_or(whole, |cancel| cancel.at + cancel.grace + limits.slack);
            let expires = if mutant::active(rules.mutant, Mutant::LeaseNeverExpires) {
                whole
            } else {
                lease.expires
            };
            Some(expires.min(whole).min(canceled))
        }
        Status::Success | Status::Failed | Status::Canceled | Status::Skipped => None,
    }
}

/// The earliest deadline of any job.
pub fn next_deadline(rules: &Rules, state: &PipelineState) -> Option<Timestamp> {
    (0..state.jobs.len())
        .filter_map(|at| deadline(rules, state, at))
        .min()
}

/// How a job counts in the composite of those it stands among.
pub fn seen(rules: &Rules, state: &PipelineState, at: usize) -> Seen {
    let job = &state.jobs[at];
    let allowed = match job.status {
        Status::Failed | Status::Canceled => job.ending.as_ref().is_some_and(|end| end.allowed),
        _ => rules.jobs[at].allow_failure == AllowFailure::Yes,
    };
    Seen::of(job.status, allowed)
}

/// Whether a job has ended in a way that another try can follow. One that was skipped never had a first.
pub const fn can_be_retried(status: Status) -> bool {
    matches!(status, Status::Success | Status::Failed | Status::Canceled)
}

/// One application of an event.
struct Step<'a> {
    rules: &'a Rules,
    state: &'a mut PipelineState,
    now: Timestamp,
    effects: Vec<Effect>,
}

impl Step<'_> {
    fn event(&mut self, event: Event) -> Result<(), Ignored> {
        match event {
            Event::Tick => self.tick(),
            Event::Paused { by } => self.paused(by),
            Event::Lease { job, lease_time } => self.lease(self.position(job)?, lease_time)?,
            Event::Renew {
                job,
                token,
                lease_time,
            } => {
                let at = self.held(job, token)?;
                let expires = self.now + lease_time;
                if let Some(lease) = &mut self.state.jobs[at].lease {
                    lease.expires = expires;
                }
            }
            Event::Started { job, token } => self.started(job, token)?,
            Event::Finished {
                job,
                token,
                verdict,
                exit_code,
            } => self.finished(job, token, verdict, exit_code)?,
            Event::HandBack { job, token } => {
                let at = self.held(job, token)?;
                self.hand_back(at);
            }
            Event::Refuse { job, verdict } => {
                let at = self.in_state(job, Status::Pending)?;
                self.fail(at, verdict, None);
            }
            Event::ResourceGranted { job } => {
                let at = self.in_state(job, Status::WaitingForResource)?;
                self.move_to(at, Status::Pending);
            }
            Event::Play { job } => self.play(self.position(job)?)?,
            Event::Retry { job } => self.try_again(job)?,
            Event::Cancel { job, grace, cause } => self.cancel(job, grace, &cause)?,
        }
        Ok(())
    }

    // What runners tell.

    fn lease(&mut self, at: usize, lease_time: Millis) -> Result<(), Ignored> {
        if self.state.jobs[at].status != Status::Pending {
            return Err(Ignored::WrongState);
        }
        self.state.last_token += 1;
        let lease = LeaseState {
            token: self.state.last_token,
            taken: self.now,
            started: None,
            expires: self.now + lease_time,
        };
        let job = &mut self.state.jobs[at];
        job.attempt += 1;
        job.lease = Some(lease);
        job.cancel = None;
        job.reported = None;
        self.move_to(at, Status::Preparing);
        Ok(())
    }

    fn started(&mut self, job: JobId, token: u64) -> Result<(), Ignored> {
        let at = self.held(job, token)?;
        let now = self.now;
        match &mut self.state.jobs[at].lease {
            Some(lease) if lease.started.is_none() => lease.started = Some(now),
            _ => return Err(Ignored::Repeat),
        }
        self.move_to(at, Status::Running);
        Ok(())
    }

    fn finished(
        &mut self,
        job: JobId,
        token: u64,
        verdict: Option<Verdict>,
        exit_code: Option<i32>,
    ) -> Result<(), Ignored> {
        let at = self.held(job, token)?;
        self.state.jobs[at].reported = Some(token);
        // A cache never fails a job.
        match verdict.filter(|verdict| verdict.kind != VerdictKind::CacheError) {
            // Also after a cancel: what was done was done, and saying otherwise would be wrong.
            None => self.end(at, Status::Success, None, exit_code, false),
            Some(verdict) => {
                let exit_code = exit_code.or(verdict.exit_code);
                self.attempt_failed(at, verdict, exit_code);
            }
        }
        Ok(())
    }

    /// Nobody is to blame, and the work can be done again. A job that ends its holder each time is held back by the limit.
    fn hand_back(&mut self, at: usize) {
        let verdict = Verdict::new(
            VerdictKind::RunnerLost,
            "the runner was stopped: it handed the job back",
        );
        let canceled = self.state.jobs[at].cancel.is_some();
        if !canceled && self.state.jobs[at].spent.returns < self.rules.limits.returns {
            self.retry(at, verdict, Budget::Return);
        } else {
            self.attempt_failed(at, verdict, None);
        }
    }

    // What time brings.

    fn tick(&mut self) {
        for at in 0..self.state.jobs.len() {
            let due = deadline(self.rules, self.state, at).is_some_and(|due| due <= self.now);
            if due {
                self.due(at);
            }
        }
    }

    fn due(&mut self, at: usize) {
        match self.state.jobs[at].status {
            Status::Created | Status::Manual | Status::WaitingForResource => {
                self.end_canceled(at, "the pipeline was left waiting for too long");
            }
            Status::Scheduled => self.enqueue(at),
            Status::Pending => self.fail(
                at,
                Verdict::new(VerdictKind::RunnerNone, "no runner took the job in time"),
                None,
            ),
            Status::Preparing | Status::Running => self.attempt_overdue(at),
            Status::Success | Status::Failed | Status::Canceled | Status::Skipped => {}
        }
    }

    /// What runners are measured by moves on by the time in which they could not be heard.
    fn paused(&mut self, by: Millis) {
        for job in &mut self.state.jobs {
            if job.status == Status::Pending {
                job.since = (job.since + by).min(self.now.max(job.since));
            }
            if let Some(lease) = &mut job.lease {
                lease.expires = lease.expires + by;
                lease.taken = lease.taken + by;
                lease.started = lease.started.map(|started| started + by);
            }
            if let Some(cancel) = &mut job.cancel {
                cancel.at = cancel.at + by;
            }
        }
    }

    /// A lease ran out, a timeout passed, or a cancelled attempt never ended: the runner no longer has a say.
    fn attempt_overdue(&mut self, at: usize) {
        let job = &self.state.jobs[at];
        let Some(lease) = job.lease else {
            self.end_canceled(at, "the attempt has no lease");
            return;
        };
        let (canceled, lost) = (job.cancel.is_some(), lease.expires <= self.now);
        self.stop_attempt(at, lease.token, Millis(0));
        if canceled {
            self.attempt_failed(
                at,
                Verdict::new(VerdictKind::Canceled, "the attempt did not end in time"),
                None,
            );
        } else if !lost {
            let timeout = self.rules.jobs[at].timeout;
            let cause = format!("the job ran longer than its timeout of {timeout}");
            self.attempt_failed(at, Verdict::new(VerdictKind::ScriptTimeout, cause), None);
        } else if lease.started.is_none()
            && self.state.jobs[at].spent.claims < self.rules.limits.claims
        {
            let verdict = Verdict::new(
                VerdictKind::RunnerLost,
                "the runner was lost before the script started",
            );
            self.retry(at, verdict, Budget::Claim);
        } else {
            let verdict = Verdict::new(VerdictKind::RunnerLost, "the runner stopped reporting");
            self.attempt_failed(at, verdict, None);
        }
    }

    // How attempts end.

    fn attempt_failed(&mut self, at: usize, verdict: Verdict, exit_code: Option<i32>) {
        if let Some(cancel) = &self.state.jobs[at].cancel {
            let cause = cancel.cause.clone();
            self.end_canceled(at, &cause);
        } else if verdict.kind == VerdictKind::Canceled {
            self.end_canceled(at, &verdict.cause);
        } else {
            let (job, limits) = (&self.rules.jobs[at], &self.rules.limits);
            match retry::pays(job, limits, self.state.jobs[at].spent, &verdict, exit_code) {
                Some(budget) => self.retry(at, verdict, budget),
                None => self.fail(at, verdict, exit_code),
            }
        }
    }

    fn retry(&mut self, at: usize, verdict: Verdict, budget: Budget) {
        let job = &mut self.state.jobs[at];
        match budget {
            Budget::User => job.spent.user += 1,
            Budget::Infrastructure => job.spent.infrastructure += 1,
            Budget::Claim => job.spent.claims += 1,
            Budget::Return => job.spent.returns += 1,
        }
        let attempt = job.attempt;
        self.emit(EffectKind::Retrying {
            job: Rules::id(at),
            attempt,
            verdict,
            budget,
        });
        if !mutant::active(self.rules.mutant, Mutant::KeepsResourceOnRetry) {
            self.release_resource(at);
        }
        self.enqueue(at);
    }

    fn fail(&mut self, at: usize, verdict: Verdict, exit_code: Option<i32>) {
        let allowed = self.rules.jobs[at].allow_failure.allows(exit_code);
        self.end(at, Status::Failed, Some(verdict), exit_code, allowed);
        if self.rules.cancel_on_job_failure && !allowed {
            let cause = format!(
                "{} failed, and the workflow cancels all jobs when one fails",
                self.rules.jobs[at].name
            );
            self.cancel_all(self.rules.limits.cancel_grace, &cause);
        }
    }

    fn end_canceled(&mut self, at: usize, cause: &str) {
        let allowed = self.rules.jobs[at].allow_failure == AllowFailure::Yes;
        let verdict = Verdict::new(VerdictKind::Canceled, cause);
        self.end(at, Status::Canceled, Some(verdict), None, allowed);
    }

    fn end(
        &mut self,
        at: usize,
        status: Status,
        verdict: Option<Verdict>,
        exit_code: Option<i32>,
        allowed: bool,
    ) {
        if self.state.jobs[at].status.holds_resource() {
            self.release_resource(at);
        }
        let job = &mut self.state.jobs[at];
        job.ending = Some(Ending {
            verdict,
            exit_code,
            allowed,
            taken: job.lease.map(|lease| lease.taken),
        });
        self.move_to(at, status);
    }

    // How jobs come up.

    /// Starts or skips whatever no longer waits, until nothing changes, and folds the jobs into the pipeline's status.
    fn settle(&mut self) {
        while self.settle_once() {}
        let all = (0..self.state.jobs.len()).map(|at| seen(self.rules, self.state, at));
        let to = composite(all.collect(), Graph::Stages);
        let from = self.state.status;
        if from != to {
            self.state.status = to;
            self.emit(EffectKind::PipelineMoved { from, to });
        }
    }

    fn settle_once(&mut self) -> bool {
        let rules = self.rules;
        let (mut changed, mut earlier) = (false, SeenSet::default());
        for stage in &rules.stages {
            for &at in stage {
                changed |= self.settle_job(at, earlier);
            }
            earlier.merge(self.seen_set(stage));
        }
        changed
    }

    fn settle_job(&mut self, at: usize, earlier: SeenSet) -> bool {
        if self.state.jobs[at].status != Status::Created {
            return false;
        }
        let job = &self.rules.jobs[at];
        let (set, graph) = match &job.needs {
            None => (earlier, Graph::Stages),
            Some(needs) => (self.seen_set(needs), Graph::Needs),
        };
        match start(job.when, composite(set, graph), graph) {
            None => return false,
            Some(false) => self.end(at, Status::Skipped, None, None, false),
            Some(true) => match job.when {
                When::Manual if !job.played => self.move_to(at, Status::Manual),
                When::Delayed if !job.played => self.move_to(at, Status::Scheduled),
                _ => self.enqueue(at),
            },
        }
        true
    }

    fn seen_set(&self, jobs: &[usize]) -> SeenSet {
        jobs.iter()
            .map(|&at| seen(self.rules, self.state, at))
            .collect()
    }

    /// To `pending`, by way of its resource group if it has one.
    fn enqueue(&mut self, at: usize) {
        match &self.rules.jobs[at].resource_group {
            None => self.move_to(at, Status::Pending),
            Some(group) => {
                self.move_to(at, Status::WaitingForResource);
                self.emit(EffectKind::RequestResource {
                    job: Rules::id(at),
                    group: group.clone(),
                });
            }
        }
    }

    fn release_resource(&mut self, at: usize) {
        if let Some(group) = &self.rules.jobs[at].resource_group {
            self.emit(EffectKind::ReleaseResource {
                job: Rules::id(at),
                group: group.clone(),
            });
        }
    }

    // Small parts.

    fn move_to(&mut self, at: usize, to: Status) {
        let job = &mut self.state.jobs[at];
        let (from, attempt) = (job.status, job.attempt);
        job.status = to;
        job.since = self.now;
        if !to.is_leased() {
            job.lease = None;
            job.cancel = None;
        }
        self.emit(EffectKind::JobMoved {
            job: Rules::id(at),
            attempt,
            from,
            to,
        });
    }

    fn stop_attempt(&mut self, at: usize, token: u64, grace: Millis) {
        self.emit(EffectKind::StopAttempt {
            job: Rules::id(at),
            attempt: self.state.jobs[at].attempt,
            token,
            grace,
        });
    }

    fn emit(&mut self, kind: EffectKind) {
        let reuse = mutant::active(self.rules.mutant, Mutant::ReusesEffectKeys)
            && matches!(kind, EffectKind::StopAttempt { .. });
        if !reuse {
            self.state.last_key += 1;
        }
        self.effects.push(Effect {
            key: self.state.last_key,
            kind,
        });
    }

    fn position(&self, job: JobId) -> Result<usize, Ignored> {
        self.rules.position(job).ok_or(Ignored::UnknownJob)
    }

    fn in_state(&self, job: JobId, status: Status) -> Result<usize, Ignored> {
        let at = self.position(job)?;
        if self.state.jobs[at].status == status {
            Ok(at)
        } else {
            Err(Ignored::WrongState)
        }
    }

    /// The job's position, if `token` is that of its current lease.
    fn held(&self, job: JobId, token: u64) -> Result<usize, Ignored> {
        let at = self.position(job)?;
        let state = &self.state.jobs[at];
        match state.lease {
            Some(lease)
                if lease.token == token
                    || mutant::active(self.rules.mutant, Mutant::TakesStaleReports) =>
            {
                Ok(at)
            }
            _ if state.reported == Some(token) => Err(Ignored::Repeat),
            _ => Err(Ignored::Stale),
        }
    }
}
