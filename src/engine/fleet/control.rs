//! What people ask for.

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    time::Millis,
    verdict::{Verdict, VerdictKind},
};

use super::{Fleet, FleetError, live::is_held, report::end_now};

/// Between SIGTERM and SIGKILL of a job that somebody cancels.
const GRACE: Millis = Millis::from_secs(10);

impl Fleet {
    /// Cancels all jobs of a pipeline that have not ended. With `force`, or again, their runners are not waited for.
    pub async fn cancel_pipeline(
        &self,
        id: PipelineId,
        force: bool,
        cause: &str,
    ) -> Result<(), FleetError> {
        let cause = cause.to_owned();
        self.act(id, move |live, now| {
            // The whole pipeline is never in the wrong state for it.
            let _ = live.pipeline.cancel(None, GRACE, &cause, now);
            if force {
                for at in 0..live.tenures.len() {
                    if is_held(live.pipeline.state().jobs[at].status) {
                        end_now(live, at, Verdict::new(VerdictKind::Canceled, &cause), now);
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Cancels what is going on for a ref that is gone; how many pipelines that were.
    pub async fn cancel_ref(
        &self,
        project: ProjectId,
        git_ref: &str,
        cause: &str,
    ) -> Result<usize, FleetError> {
        let mut canceled = 0;
        for id in self.store().active_pipelines_of(project, git_ref).await? {
            self.cancel_pipeline(id, false, cause).await?;
            canceled += 1;
        }
        Ok(canceled)
    }

    /// Cancels a job. With `force` its runner is not waited for.
    pub async fn cancel_job(
        &self,
        id: GlobalJobId,
        force: bool,
        cause: &str,
    ) -> Result<(), FleetError> {
        let (pipeline, at) = self.find(id).await?;
        let cause = cause.to_owned();
        self.act(pipeline, move |live, now| {
            let status = live.pipeline.state().jobs[at].status;
            let canceled = live.pipeline.cancel(Some(at), GRACE, &cause, now);
            canceled.map_err(|_| FleetError::WrongState(status))?;
            if force {
                end_now(live, at, Verdict::new(VerdictKind::Canceled, &cause), now);
            }
            Ok(())
        })
        .await
    }

    /// Plays a manual job, or starts a delayed one at once.
    pub async fn play(&self, id: GlobalJobId) -> Result<(), FleetError> {
        let (pipeline, at) = self.find(id).await?;
        self.act(pipeline, move |live, now| {
            let status = live.pipeline.state().jobs[at].status;
            let played = live.pipeline.play(at, now);
            played.map_err(|_| FleetError::WrongState(status))
        })
        .await
    }

    /// Tries an ended job again; jobs that were skipped because of it get their chance too.
    pub async fn retry_job(&self, id: GlobalJobId) -> Result<(), FleetError> {
        let (pipeline, at) = self.find(id).await?;
        self.act(pipeline, move |live, now| {
            let status = live.pipeline.state().jobs[at].status;
            let retried = live.pipeline.retry(Some(at), now);
            retried.map_err(|_| FleetError::WrongState(status))
        })
        .await
    }

    /// Tries all jobs of a pipeline again that failed or were cancelled.
    pub async fn retry_pipeline(&self, id: PipelineId) -> Result<(), FleetError> {
        self.act(id, |live, now| {
            let status = live.pipeline.state().status;
            let retried = live.pipeline.retry(None, now);
            retried.map_err(|_| FleetError::WrongState(status))
        })
        .await
    }

    /// A job's pipeline and its position in the plan.
    pub(super) async fn find(&self, id: GlobalJobId) -> Result<(PipelineId, usize), FleetError> {
        let row = self.shared.store.job(id).await?.ok_or(FleetError::NoJob)?;
        Ok((row.pipeline, row.position as usize))
    }
}
