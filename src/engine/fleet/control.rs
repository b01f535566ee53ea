//! What people ask for.

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    time::{Millis, Timestamp},
    verdict::{Verdict, VerdictKind},
};

use super::{
    Fleet, FleetError,
    live::{Live, is_held},
    report::end_now,
};

/// Between SIGTERM and SIGKILL of a job that somebody or a newer commit cancels.
pub(super) const GRACE: Millis = Millis::from_secs(10);

impl Fleet {
    /// Cancels all jobs of a pipeline that have not ended. With `force`, or where all that run are being cancelled already, their
    /// runners are not waited for.
    pub async fn cancel_pipeline(
        &self,
        id: PipelineId,
        force: bool,
        cause: &str,
    ) -> Result<(), FleetError> {
        let cause = cause.to_owned();
        self.act(id, move |live, now| {
            let held: Vec<usize> = (0..live.tenures.len())
                .filter(|&at| is_held(live.pipeline.state().jobs[at].status))
                .collect();
            let again = held.iter().all(|&at| is_being_canceled(live, at));
            cancel_all(live, &cause, now);
            if force || again {
                for at in held {
                    end_now(live, at, Verdict::new(VerdictKind::Canceled, &cause), now);
                }
            }
            Ok(())
        })
        .await
    }

    /// Cancels what is going on for a ref that is gone; how many pipelines that were. Said twice, it is still one wish: runners keep
    /// their grace.
    pub async fn cancel_ref(
        &self,
        project: ProjectId,
        git_ref: &str,
        cause: &str,
    ) -> Result<usize, FleetError> {
        let mut canceled = 0;
        for id in self.store().active_pipelines_of(project, git_ref).await? {
            let cause = cause.to_owned();
            self.act(id, move |live, now| {
                cancel_all(live, &cause, now);
                Ok(())
            })
            .await?;
            canceled += 1;
        }
        Ok(canceled)
    }

    /// Cancels a job. With `force`, or where it is being cancelled already, its runner is not waited for.
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
            let again = is_being_canceled(live, at);
            let canceled = live.pipeline.cancel(Some(at), GRACE, &cause, now);
            canceled.map_err(|_| FleetError::WrongState(status))?;
            if force || again {
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

/// Cancels what has not ended; runners get their grace.
fn cancel_all(live: &mut Live, cause: &str, now: Timestamp) {
    // The whole pipeline is never in the wrong state for it.
    let _ = live.pipeline.cancel(None, GRACE, cause, now);
}

fn is_being_canceled(live: &Live, at: usize) -> bool {
    live.pipeline.state().jobs[at].cancel.is_some()
}
