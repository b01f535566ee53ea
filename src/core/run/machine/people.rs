//! What people ask for: playing, trying again, cancelling.

use super::{Step, can_be_retried};
use crate::{
    id::JobId,
    run::{CancelState, Ignored, Spent, Status},
    time::Millis,
};

impl Step<'_> {
    pub(super) fn play(&mut self, at: usize) -> Result<(), Ignored> {
        match self.state.jobs[at].status {
            Status::Manual => {
                self.revive_behind(at);
                self.enqueue(at);
            }
            Status::Scheduled => self.enqueue(at),
            _ => return Err(Ignored::WrongState),
        }
        Ok(())
    }

    /// Another try with whole budgets; what was skipped because of the first gets its chance. A job that somebody names begins at
    /// once, those of a whole pipeline when their turn comes.
    pub(super) fn try_again(&mut self, job: Option<JobId>) -> Result<(), Ignored> {
        if let Some(job) = job {
            let at = self.position(job)?;
            if !can_be_retried(self.state.jobs[at].status) {
                return Err(Ignored::WrongState);
            }
            self.reset(at);
            self.enqueue(at);
            return Ok(());
        }
        let unsuccessful = |at: &usize| {
            let status = self.state.jobs[*at].status;
            matches!(status, Status::Failed | Status::Canceled)
        };
        let again: Vec<usize> = (0..self.state.jobs.len()).filter(unsuccessful).collect();
        if again.is_empty() {
            return Err(Ignored::WrongState);
        }
        for at in again {
            self.reset(at);
        }
        Ok(())
    }

    fn reset(&mut self, at: usize) {
        self.revive_behind(at);
        let job = &mut self.state.jobs[at];
        job.ending = None;
        job.spent = Spent::default();
        self.move_to(at, Status::Created);
    }

    /// Jobs that were skipped because of the job at `at` get their chance again.
    fn revive_behind(&mut self, at: usize) {
        let mut behind = vec![false; self.rules.jobs.len()];
        behind[at] = true;
        loop {
            let found = (0..behind.len()).find(|&other| {
                !behind[other]
                    && self.state.jobs[other].status == Status::Skipped
                    && self.waits_for_any(other, &behind)
            });
            let Some(other) = found else { return };
            behind[other] = true;
            self.state.jobs[other].ending = None;
            self.move_to(other, Status::Created);
        }
    }

    fn waits_for_any(&self, at: usize, behind: &[bool]) -> bool {
        let job = &self.rules.jobs[at];
        match &job.needs {
            Some(needs) => needs.iter().any(|&need| behind[need]),
            None => (0..behind.len())
                .any(|other| behind[other] && self.rules.jobs[other].stage < job.stage),
        }
    }

    pub(super) fn cancel(
        &mut self,
        job: Option<JobId>,
        grace: Millis,
        cause: &str,
    ) -> Result<(), Ignored> {
        match job {
            None => self.cancel_all(grace, cause),
            Some(job) => {
                let at = self.position(job)?;
                if self.state.jobs[at].status.is_terminal() {
                    return Err(Ignored::WrongState);
                }
                self.cancel_job(at, grace, cause);
            }
        }
        Ok(())
    }

    pub(super) fn cancel_all(&mut self, grace: Millis, cause: &str) {
        for at in 0..self.state.jobs.len() {
            if !self.state.jobs[at].status.is_terminal() {
                self.cancel_job(at, grace, cause);
            }
        }
    }

    fn cancel_job(&mut self, at: usize, grace: Millis, cause: &str) {
        let Some(lease) = self.state.jobs[at].lease else {
            self.end_canceled(at, cause);
            return;
        };
        let (now, job) = (self.now, &mut self.state.jobs[at]);
        let ends = |cancel: &CancelState| cancel.at + cancel.grace;
        if job
            .cancel
            .as_ref()
            .is_some_and(|old| ends(old) <= now + grace)
        {
            return;
        }
        job.cancel = Some(CancelState {
            at: now,
            grace,
            cause: cause.to_owned(),
        });
        self.stop_attempt(at, lease.token, grace);
    }
}
