//! What a newer pipeline of the same ref does to the older ones (`workflow:auto_cancel:on_new_commit`).

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    plan::{OnNewCommit, PlanJob},
    run::{JobState, Status},
    time::Timestamp,
};

use super::{Fleet, FleetError, control::GRACE, live::Live};

impl Fleet {
    /// Cancels what older pipelines of the ref say that a newer commit makes needless; of how many pipelines.
    pub async fn supersede(
        &self,
        project: ProjectId,
        git_ref: &str,
        newer: PipelineId,
    ) -> Result<usize, FleetError> {
        let mut superseded = 0;
        let active = self.store().active_pipelines_of(project, git_ref).await?;
        for id in active.into_iter().filter(|id| *id < newer) {
            let canceled = self.act(id, move |live, now| Ok(give_way(live, newer, now)));
            superseded += usize::from(canceled.await?);
        }
        Ok(superseded)
    }
}

/// Cancels what can give way; whether anything did.
fn give_way(live: &mut Live, newer: PipelineId, now: Timestamp) -> bool {
    let cause = format!("pipeline {newer} of a newer commit takes its place");
    let plan = std::sync::Arc::clone(live.pipeline.shared_plan());
    let chosen: Vec<usize> = match plan.pipeline.on_new_commit {
        OnNewCommit::None => Vec::new(),
        OnNewCommit::Interruptible => positions(&plan.jobs, |job| job.interruptible),
        OnNewCommit::Conservative => {
            let states = &live.pipeline.state().jobs;
            let begun = plan.jobs.iter().zip(states).any(has_begun_for_good);
            if begun {
                Vec::new()
            } else {
                positions(&plan.jobs, |_| true)
            }
        }
    };
    let mut any = false;
    for at in chosen {
        any |= live.pipeline.cancel(Some(at), GRACE, &cause, now).is_ok();
    }
    any
}

fn positions(jobs: &[PlanJob], chosen: impl Fn(&PlanJob) -> bool) -> Vec<usize> {
    let jobs = jobs.iter().enumerate();
    jobs.filter(|(_, job)| chosen(job))
        .map(|(at, _)| at)
        .collect()
}

/// A job that must not be interrupted was started.
fn has_begun_for_good((job, state): (&PlanJob, &JobState)) -> bool {
    let begun = state.attempt > 0 || matches!(state.status, Status::Success | Status::Failed);
    !job.interruptible && begun
}
