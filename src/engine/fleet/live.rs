//! A pipeline in memory beside what the store holds of it.

use std::{collections::BTreeSet, sync::Arc};

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, ManagerId},
    plan::Plan,
    run::{JobState, Status},
    time::{Millis, Timestamp},
    token::TokenHash,
};
use aqueduct_ports::executor::Placement;
use aqueduct_ports::store::{
    JobChange, NewEffect, PipelineChange, PipelineHead, PipelineRow, StoredPipeline,
};

use super::{FleetConfig, FleetError};
use crate::pipeline::{Durable, JobPart, Pipeline, Settings};

/// Renewals of a lease are stored this far apart at most: after a restart every lease gets as much again.
pub(super) const RENEWAL_GRAIN: Millis = Millis::from_secs(30);

/// Who has, or last had a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tenure {
    pub(super) manager: Option<ManagerId>,
    pub(super) report: Option<TokenHash>,
    pub(super) read: Option<TokenHash>,
}

/// A pipeline in memory.
pub(super) struct Live {
    pub(super) row: PipelineRow,
    /// `group/name`.
    pub(super) project_path: String,
    pub(super) pipeline: Pipeline,
    /// By position in the plan.
    pub(super) tenures: Vec<Tenure>,
    /// The jobs' states as they are stored.
    stored: Vec<JobState>,
    /// Jobs whose place was told and is not stored yet.
    placed: BTreeSet<usize>,
    /// Something was changed that is not stored: its future was dropped, or the store failed.
    pub(super) dirty: bool,
}

impl Live {
    /// What the store holds, if it has a plan.
    pub(super) fn load(
        stored: StoredPipeline,
        project_path: String,
        config: &FleetConfig,
        now: Timestamp,
    ) -> Result<Self, FleetError> {
        let id = stored.row.id;
        let corrupt = |cause: String| FleetError::Corrupt {
            pipeline: id,
            cause,
        };
        let read = |error: serde_json::Error| corrupt(error.to_string());
        let plan = stored.plan.ok_or(FleetError::NoPipeline(id))?;
        let plan: Plan = serde_json::from_str(&plan).map_err(read)?;
        let head = serde_json::from_str(&stored.row.head.state).map_err(read)?;
        let mut jobs: Vec<JobPart> = Vec::new();
        let mut tenures = Vec::new();
        for job in stored.jobs {
            jobs.push(serde_json::from_str(&job.state).map_err(read)?);
            tenures.push(Tenure {
                manager: job.manager,
                report: job.report_token,
                read: job.read_token,
            });
        }
        let durable = Durable::join(head, jobs);
        let settings = settings(id, config);
        let pipeline = Pipeline::resume(Arc::new(plan), settings, &BTreeSet::new(), durable, now)
            .map_err(|ignored| corrupt(ignored.to_string()))?;
        Ok(Self {
            stored: pipeline.state().jobs.clone(),
            placed: BTreeSet::new(),
            row: stored.row,
            project_path,
            pipeline,
            tenures,
            dirty: false,
        })
    }

    /// The id of a job on the wire.
    pub(super) fn job_id(&self, at: usize) -> GlobalJobId {
        self.row.first_job.at(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Its current or last attempt.
    pub(super) fn attempt(&self, at: usize) -> GlobalAttempt {
        GlobalAttempt {
            job: self.job_id(at),
            attempt: self.pipeline.state().jobs[at].attempt,
        }
    }

    /// A job's state as it is stored.
    pub(super) fn stored(&self, at: usize) -> &JobState {
        &self.stored[at]
    }

    /// Where a job's attempt runs.
    pub(super) fn place(&mut self, at: usize, token: u64, placement: Placement) {
        if self.pipeline.place(at) != Some(&placement) {
            self.pipeline.placed(Pipeline::id(at), token, placement);
            self.placed.insert(at);
        }
    }

    /// Positions of the jobs that are not stored as they are.
    pub(super) fn changed(&self) -> Vec<usize> {
        let now = self.pipeline.state().jobs.iter();
        let pairs = now.zip(&self.stored).enumerate();
        pairs
            .filter(|(at, (now, stored))| self.placed.contains(at) || differs(now, stored))
            .map(|(at, _)| at)
            .collect()
    }

    /// What has to be stored for `changed` jobs.
    pub(super) fn change(
        &self,
        changed: &[usize],
        effects: Vec<NewEffect>,
        now: Timestamp,
    ) -> Result<PipelineChange, FleetError> {
        Ok(PipelineChange {
            id: self.row.id,
            expected_version: self.row.version,
            head: head(&self.pipeline, self.row.id)?,
            jobs: changed
                .iter()
                .map(|&at| self.job_change(at))
                .collect::<Result<_, _>>()?,
            effects,
            now,
        })
    }

    fn job_change(&self, at: usize) -> Result<JobChange, FleetError> {
        let (state, tenure) = (&self.pipeline.state().jobs[at], self.tenures[at]);
        Ok(JobChange {
            position: u32::try_from(at).unwrap_or(u32::MAX),
            status: state.status,
            attempt: state.attempt,
            state: json(&self.pipeline.durable().job_part(at), self.row.id)?,
            manager: tenure.manager,
            report_token: tenure.report,
            read_token: tenure.read,
        })
    }

    /// The change was stored.
    pub(super) fn committed(&mut self, changed: &[usize], head: PipelineHead, version: u64) {
        for &at in changed {
            self.stored[at].clone_from(&self.pipeline.state().jobs[at]);
        }
        self.placed.clear();
        self.row.head = head;
        self.row.version = version;
        self.dirty = false;
    }
}

/// How the pipelines of a fleet are run. Nobody's patience ends here: which runners there are is the fleet's knowledge, and a job
/// waits for its own deadline.
pub(super) fn settings(id: aqueduct_core::id::PipelineId, config: &FleetConfig) -> Settings {
    Settings {
        id,
        limits: config.limits,
        lease_time: config.claim_time,
        patience: config.limits.pending,
        trace_limit: config.trace_limit,
        shared_groups: true,
        mutant: None,
    }
}

/// The head of a pipeline as it is stored.
pub(super) fn head(
    pipeline: &Pipeline,
    id: aqueduct_core::id::PipelineId,
) -> Result<PipelineHead, FleetError> {
    let state = pipeline.state();
    let begun = |job: &JobState| {
        let taken = job.lease.map(|lease| lease.taken);
        taken.or_else(|| job.ending.as_ref()?.taken)
    };
    let ended = state.jobs.iter().map(|job| job.since).max();
    Ok(PipelineHead {
        status: state.status,
        active: !state.is_terminal(),
        state: json(&pipeline.durable().head_part(), id)?,
        started: state.jobs.iter().filter_map(begun).min(),
        finished: ended.filter(|_| state.is_terminal()),
    })
}

/// As it is stored.
pub(super) fn json<T: serde::Serialize>(
    value: &T,
    pipeline: aqueduct_core::id::PipelineId,
) -> Result<String, FleetError> {
    serde_json::to_string(value).map_err(|error| FleetError::Corrupt {
        pipeline,
        cause: error.to_string(),
    })
}

/// Whether a state has to be stored again. A lease that was renewed a little is not worth it.
fn differs(now: &JobState, stored: &JobState) -> bool {
    if now == stored {
        return false;
    }
    let (Some(new), Some(old)) = (now.lease, stored.lease) else {
        return true;
    };
    if new.expires < old.expires || new.expires.since(old.expires) >= RENEWAL_GRAIN {
        return true;
    }
    let mut same = now.clone();
    same.lease = Some(aqueduct_core::run::LeaseState {
        expires: old.expires,
        ..new
    });
    same != *stored
}

/// Whether a runner has the job.
pub(super) const fn is_held(status: Status) -> bool {
    matches!(status, Status::Preparing | Status::Running)
}
