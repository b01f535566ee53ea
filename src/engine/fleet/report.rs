//! What runners tell.

use std::collections::BTreeSet;

use aqueduct_core::{
    id::{GlobalJobId, ManagerId},
    run::{Ignored, Status},
    time::{Millis, Timestamp},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::{
    executor::Placement,
    work::{Directive, JobEnd},
};

use super::{
    Fleet, FleetError, Holder,
    live::{Live, is_held},
};
use crate::pipeline::Reported;

/// How things stand with an attempt, for its runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Go on.
    Running,
    /// Stop it, with this long between SIGTERM and SIGKILL.
    Canceling {
        /// The grace period.
        grace: Millis,
    },
    /// It is over, or somebody else has the job; the job's status.
    Over(Status),
}

/// What became of the report of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was taken, now or before.
    Taken(Status),
    /// The trace is not complete yet.
    TraceIncomplete {
        /// The offset to go on from.
        stored: u64,
    },
    /// It is over otherwise, or somebody else has the job.
    Over(Status),
}

impl Fleet {
    /// A sign of life: the attempt has begun, if it was not known to have, and its lease is extended.
    pub async fn heartbeat(
        &self,
        holder: &Holder,
        lease_time: Millis,
    ) -> Result<Standing, FleetError> {
        let holder = *holder;
        self.act(holder.pipeline, move |live, now| {
            Ok(beat(live, &holder, lease_time, now))
        })
        .await
    }

    /// The script of an attempt is about to start, there. A sign of life too.
    pub async fn started(
        &self,
        holder: &Holder,
        placement: &Placement,
        lease_time: Millis,
    ) -> Result<Standing, FleetError> {
        let (holder, placement) = (*holder, placement.clone());
        self.act(holder.pipeline, move |live, now| {
            if let Some(token) = token(live, &holder) {
                live.place(holder.at, token, placement.clone());
            }
            Ok(beat(live, &holder, lease_time, now))
        })
        .await
    }

    /// An attempt is over. `trace_bytes` is how much of the trace the runner sent.
    pub async fn finish(&self, holder: &Holder, end: &JobEnd) -> Result<End, FleetError> {
        let trace = self.trace_head(holder.attempt, end.trace_bytes).await?;
        if holder.current && end.trace_bytes > trace.received {
            return Ok(End::TraceIncomplete {
                stored: trace.received,
            });
        }
        // The state machine keeps no traces here: the store has just been asked.
        let end = JobEnd {
            trace_bytes: 0,
            ..end.clone()
        };
        let holder = *holder;
        self.act(holder.pipeline, move |live, now| {
            Ok(finish_in(live, &holder, &end, now))
        })
        .await
    }

    /// A holder gives its job back unfinished: it can be done again at nobody's cost.
    pub async fn hand_back(&self, holder: &Holder) -> Result<(), FleetError> {
        let holder = *holder;
        self.act(holder.pipeline, move |live, now| {
            if let Some(token) = token(live, &holder) {
                let job = crate::pipeline::Pipeline::id(holder.at);
                // Void if its end was reported meanwhile.
                let _ = live.pipeline.handed_back(job, token, now);
            }
            Ok(())
        })
        .await
    }

    /// Fails an attempt that never reached its runner.
    pub async fn fail(&self, holder: &Holder, verdict: Verdict) -> Result<(), FleetError> {
        let holder = *holder;
        self.act(holder.pipeline, move |live, now| {
            if token(live, &holder).is_some() {
                end_now(live, holder.at, verdict.clone(), now);
            }
            Ok(())
        })
        .await
    }

    /// Ends an attempt that is being cancelled at once: its runner knows of no grace. The job's status then.
    pub async fn give_up(&self, holder: &Holder) -> Result<Status, FleetError> {
        let holder = *holder;
        self.act(holder.pipeline, move |live, now| {
            let state = &live.pipeline.state().jobs[holder.at];
            let cause = state.cancel.as_ref().map(|cancel| cancel.cause.clone());
            if let Some(cause) = cause.filter(|_| token(live, &holder).is_some()) {
                let verdict = Verdict::new(VerdictKind::Canceled, cause);
                end_now(live, holder.at, verdict, now);
            }
            Ok(live.pipeline.state().jobs[holder.at].status)
        })
        .await
    }

    /// A runner's process is dead: the attempts that it had are lost at once. How many there were.
    pub async fn manager_lost(&self, manager: ManagerId) -> Result<usize, FleetError> {
        self.manager_holds(manager, BTreeSet::new()).await
    }

    /// Of the attempts that a runner's process was handed, those of other jobs than `held` are lost at once: they never reached it, or
    /// it gave them up. How many there were.
    pub async fn manager_holds(
        &self,
        manager: ManagerId,
        held: BTreeSet<GlobalJobId>,
    ) -> Result<usize, FleetError> {
        let mut lost = self.shared.holders.of_manager(manager);
        lost.retain(|holder| !held.contains(&holder.attempt.job));
        let count = lost.len();
        for holder in lost {
            self.act(holder.pipeline, move |live, now| {
                if let Some(token) = token(live, &holder) {
                    let job = crate::pipeline::Pipeline::id(holder.at);
                    // Both are void if its end was reported meanwhile.
                    let _ = live.pipeline.renew_for(job, token, Millis(0), now);
                    live.pipeline.tick(now);
                }
                Ok(())
            })
            .await?;
        }
        Ok(count)
    }

    /// As [`Self::manager_lost`], for one whose attempts can be done again whatever they had done: all are handed back.
    pub(super) async fn manager_stopped(&self, manager: ManagerId) -> Result<usize, FleetError> {
        let left = self.shared.holders.of_manager(manager);
        for holder in &left {
            self.hand_back(holder).await?;
        }
        Ok(left.len())
    }
}

/// Extends the lease and says what is wanted.
pub(super) fn beat(
    live: &mut Live,
    holder: &Holder,
    lease_time: Millis,
    now: Timestamp,
) -> Standing {
    let job = crate::pipeline::Pipeline::id(holder.at);
    let Some(token) = token(live, holder) else {
        return over(live, holder);
    };
    // Again is ignored.
    let _ = live.pipeline.started(job, token, now);
    match live.pipeline.renew_for(job, token, lease_time, now) {
        Ok(Directive::Continue) => Standing::Running,
        Ok(Directive::Cancel { grace }) => Standing::Canceling { grace },
        Err(_) => over(live, holder),
    }
}

fn finish_in(live: &mut Live, holder: &Holder, end: &JobEnd, now: Timestamp) -> End {
    let job = crate::pipeline::Pipeline::id(holder.at);
    let status = |live: &Live| live.pipeline.state().jobs[holder.at].status;
    let Some(token) = token(live, holder) else {
        let state = &live.pipeline.state().jobs[holder.at];
        let repeated = state.attempt == holder.attempt.attempt && state.reported.is_some();
        return if repeated {
            End::Taken(state.status)
        } else {
            End::Over(state.status)
        };
    };
    let _ = live.pipeline.started(job, token, now);
    match live.pipeline.finished(job, token, end, now) {
        Ok(Reported::Taken) | Err(Ignored::Repeat) => End::Taken(status(live)),
        Ok(Reported::TraceIncomplete { received }) => End::TraceIncomplete { stored: received },
        Err(_) => End::Over(status(live)),
    }
}

/// The lease's token, while the attempt is the current one.
fn token(live: &Live, holder: &Holder) -> Option<u64> {
    let state = live.pipeline.state().jobs.get(holder.at)?;
    let current = state.attempt == holder.attempt.attempt && is_held(state.status);
    state.lease.filter(|_| current).map(|lease| lease.token)
}

fn over(live: &Live, holder: &Holder) -> Standing {
    let state = live.pipeline.state().jobs.get(holder.at);
    Standing::Over(state.map_or(Status::Failed, |state| state.status))
}

/// Ends an attempt whose runner is not waited for.
pub(super) fn end_now(live: &mut Live, at: usize, verdict: Verdict, now: Timestamp) {
    let Some(lease) = live.pipeline.state().jobs[at].lease else {
        return;
    };
    let job = crate::pipeline::Pipeline::id(at);
    let end = JobEnd {
        verdict: Some(verdict),
        exit_code: None,
        dotenv: Vec::new(),
        trace_bytes: 0,
        has_artifacts: false,
        coverage: None,
        release: None,
    };
    // It has a lease, and that is its token.
    let _ = live.pipeline.finished(job, lease.token, &end, now);
}
