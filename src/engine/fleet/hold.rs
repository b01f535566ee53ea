//! Who may speak for a job: tokens and the attempts that they belong to.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, ManagerId, PipelineId, ProjectId},
    token::TokenHash,
};
use aqueduct_ports::store::{JobRow, TokenUse};

use super::{
    Fleet, FleetError,
    live::{Live, is_held},
};

/// An attempt, and what its token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The attempt.
    pub attempt: GlobalAttempt,
    /// Its pipeline.
    pub pipeline: PipelineId,
    /// Its project.
    pub project: ProjectId,
    /// Who has it.
    pub manager: Option<ManagerId>,
    /// Which of its tokens it was.
    pub purpose: TokenUse,
    /// A runner has the attempt. Of one that is over only the report of its end is heard again.
    pub current: bool,
    /// Position in the plan.
    pub(super) at: usize,
}

/// The tokens of the attempts that runners have.
#[derive(Default)]
pub(super) struct Holders(Mutex<Known>);

#[derive(Default)]
struct Known {
    holders: HashMap<TokenHash, Holder>,
    tokens: HashMap<(PipelineId, usize), [TokenHash; 2]>,
    /// Jobs by who has them.
    jobs: HashMap<ManagerId, BTreeSet<(PipelineId, usize)>>,
}

impl Known {
    fn forget(&mut self, job: (PipelineId, usize)) {
        for token in self.tokens.remove(&job).into_iter().flatten() {
            let holder = self.holders.remove(&token);
            let Some(manager) = holder.and_then(|holder| holder.manager) else {
                continue;
            };
            if let Some(jobs) = self.jobs.get_mut(&manager) {
                jobs.remove(&job);
                if jobs.is_empty() {
                    self.jobs.remove(&manager);
                }
            }
        }
    }
}

impl Holders {
    /// Learns or forgets the tokens of a job, as its state says.
    pub(super) fn update(&self, live: &Live, at: usize) {
        let (tenure, status) = (live.tenures[at], live.pipeline.state().jobs[at].status);
        let job = (live.row.id, at);
        let mut known = self.lock();
        known.forget(job);
        let (Some(report), Some(read)) = (tenure.report, tenure.read) else {
            return;
        };
        if !is_held(status) {
            return;
        }
        let holder = |purpose| Holder {
            attempt: live.attempt(at),
            pipeline: live.row.id,
            project: live.row.project,
            manager: tenure.manager,
            purpose,
            current: true,
            at,
        };
        known.holders.insert(report, holder(TokenUse::Report));
        known.holders.insert(read, holder(TokenUse::Read));
        known.tokens.insert(job, [report, read]);
        if let Some(manager) = tenure.manager {
            known.jobs.entry(manager).or_default().insert(job);
        }
    }

    fn find(&self, token: &TokenHash) -> Option<Holder> {
        self.lock().holders.get(token).copied()
    }

    /// The attempts that a manager has.
    pub(super) fn of_manager(&self, manager: ManagerId) -> Vec<Holder> {
        let known = self.lock();
        let jobs = known.jobs.get(&manager).into_iter().flatten();
        let reports = jobs.filter_map(|job| known.tokens.get(job).map(|[report, _]| report));
        reports
            .filter_map(|token| known.holders.get(token))
            .copied()
            .collect()
    }

    /// How many attempts runners have.
    pub(super) fn attempts(&self) -> usize {
        self.lock().tokens.len()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// The attempt that a token opens now; `None` for every other token.
    pub fn holder(&self, token: &str) -> Option<Holder> {
        self.shared.holders.find(&TokenHash::of(token))
    }

    /// The attempt of a job that a token belongs to, also if it is over, as long as it was the job's last.
    pub async fn holder_of(
        &self,
        job: GlobalJobId,
        token: &str,
    ) -> Result<Option<Holder>, FleetError> {
        let hash = TokenHash::of(token);
        if let Some(holder) = self.shared.holders.find(&hash) {
            return Ok(Some(holder).filter(|holder| holder.attempt.job == job));
        }
        let row = self.shared.store.job(job).await?;
        Ok(row.and_then(|row| of_row(&row, &hash)))
    }
}

fn of_row(row: &JobRow, token: &TokenHash) -> Option<Holder> {
    let is = |stored: Option<TokenHash>| stored.as_ref() == Some(token);
    let purpose = if is(row.report_token) {
        TokenUse::Report
    } else if is(row.read_token) {
        TokenUse::Read
    } else {
        return None;
    };
    Some(Holder {
        attempt: GlobalAttempt {
            job: row.id,
            attempt: row.attempt,
        },
        pipeline: row.pipeline,
        project: row.project,
        manager: row.manager,
        purpose,
        current: is_held(row.status),
        at: row.position as usize,
    })
}
