//! Tells forges how pipelines stand (design 8).
//!
//! What is to be told lies in the outbox, stored with the change, and is told as it stands when it is told: a state that was overtaken is
//! never sent. Of one project one state is told after the other, so the last one told is the last one there was.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{
    id::ProjectId,
    refs::RemoteUrl,
    run::Status,
    time::{Millis, Timestamp},
};
use aqueduct_ports::{
    clock::Clock,
    forge::{CommitState, CommitStatus, StatusError, Statuses},
    store::{DueEffect, PipelineRow, Project, Store, StoreError},
};
use tokio::{task::JoinSet, time::sleep};

use super::backoff;
use crate::fleet::{COMMIT_STATUS, Fleet, status_context};

/// Effects read at once.
const BATCH: u32 = 1000;
/// Projects that are told of at a time.
const PROJECTS: usize = 8;
/// Longest sleep: so late a state is told again that could not be told.
const LONGEST_SLEEP: Millis = Millis::from_secs(5);
/// Wait after a first failure, and the longest.
const WAIT: (Millis, Millis) = (Millis::from_secs(2), Millis::from_secs(600));
/// A forge may ask for patience, but not for ever.
const LONGEST_WISH: Millis = Millis::from_secs(3600);

/// Tells forges how pipelines stand.
pub struct StatusReporter {
    fleet: Arc<Fleet>,
    clock: Arc<dyn Clock>,
    forges: Arc<dyn Statuses>,
    troubles: Mutex<BTreeMap<ProjectId, Trouble>>,
}

/// Why the last state of a project's pipeline could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
    /// It is not tried again: somebody has to change something.
    pub refused: bool,
}

impl StatusReporter {
    /// One that hasn't begun.
    pub fn new(fleet: Arc<Fleet>, clock: Arc<dyn Clock>, forges: Arc<dyn Statuses>) -> Self {
        Self {
            fleet,
            clock,
            forges,
            troubles: Mutex::default(),
        }
    }

    /// What went wrong last, by project; nothing of those whose last state was told.
    pub fn troubles(&self) -> BTreeMap<ProjectId, Trouble> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ProjectId, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> &dyn Store {
        self.fleet.store().as_ref()
    }

    /// Does so for ever.
    pub async fn run(self: Arc<Self>) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "the states of pipelines can't be told; it is tried again");
            }
            tokio::select! {
                () = self.fleet.new_statuses() => {}
                () = sleep(LONGEST_SLEEP.to_std()) => {}
            }
        }
    }

    /// Tells everything that is due.
    pub async fn round(self: &Arc<Self>) -> Result<(), StoreError> {
        let due = self.store().due_effects(self.clock.now(), BATCH).await?;
        let mut projects: BTreeMap<ProjectId, Vec<DueEffect>> = BTreeMap::new();
        for effect in due {
            if effect.effect.kind == COMMIT_STATUS {
                projects.entry(effect.project).or_default().push(effect);
            }
        }
        let mut telling = JoinSet::new();
        for (project, effects) in projects {
            if telling.len() >= PROJECTS
                && let Some(Ok(told)) = telling.join_next().await
            {
                told?;
            }
            let own = Arc::clone(self);
            telling.spawn(async move { own.project(project, effects).await });
        }
        while let Some(told) = telling.join_next().await {
            // One that panicked has told itself; what it had to do is due again.
            told.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    async fn project(&self, id: ProjectId, effects: Vec<DueEffect>) -> Result<(), StoreError> {
        let project = self.store().project(id).await?;
        for effect in effects {
            let told = match &project {
                Some(project) => self.tell(project, &effect).await?,
                None => Ok(()),
            };
            self.note(&effect, told).await?;
        }
        Ok(())
    }

    async fn tell(
        &self,
        project: &Project,
        effect: &DueEffect,
    ) -> Result<Result<(), StatusError>, StoreError> {
        let repository = RemoteUrl::parse(&project.git_url);
        let known = repository.ok().filter(|url| self.forges.knows(url));
        let row = self.store().pipeline(effect.pipeline).await?;
        Ok(match (known, row) {
            (Some(repository), Some(row)) => {
                let status = self.status(project, &row);
                self.forges.tell(&repository, &status).await
            }
            // Nobody wants to know.
            _ => Ok(()),
        })
    }

    fn status(&self, project: &Project, row: &PipelineRow) -> CommitStatus {
        let (state, description) = state(row);
        let short = row
            .git_ref
            .strip_prefix("refs/heads/")
            .or_else(|| row.git_ref.strip_prefix("refs/tags/"));
        CommitStatus {
            sha: row.sha.clone(),
            ref_name: short.unwrap_or(&row.git_ref).to_owned(),
            state,
            context: status_context(&project.path, row.name.as_deref()),
            description: description.to_owned(),
            target_url: pipeline_url(self.fleet.url(), row.id),
        }
    }

    async fn note(
        &self,
        effect: &DueEffect,
        told: Result<(), StatusError>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let trouble = |why: &str, refused| Trouble {
            at: now,
            why: why.to_owned(),
            refused,
        };
        match told {
            Ok(()) => {
                self.lock().remove(&effect.project);
                self.store().effect_done(effect.id).await
            }
            Err(StatusError::Refused(why)) => {
                tracing::error!(project = %effect.project, pipeline = %effect.pipeline, why,
                    "the forge refuses the state of a commit; it is not told again");
                self.lock().insert(effect.project, trouble(&why, true));
                self.store().effect_done(effect.id).await
            }
            Err(StatusError::Later { why, after }) => {
                tracing::warn!(project = %effect.project, pipeline = %effect.pipeline, why,
                    "the state of a commit can't be told; it is tried again");
                self.lock().insert(effect.project, trouble(&why, false));
                let failures = effect.failures.saturating_add(1);
                let wait = backoff::after(WAIT.0, failures, WAIT.1);
                let wait = backoff::spread(wait, effect.id.0 ^ u64::from(failures).rotate_left(32));
                let wait = wait.max(after.unwrap_or_default().min(LONGEST_WISH));
                let again = self.clock.now() + wait;
                self.store().effect_failed(effect.id, &why, again).await
            }
        }
    }
}

/// The page of a pipeline.
pub fn pipeline_url(coordinator: &str, id: aqueduct_core::id::PipelineId) -> String {
    format!("{coordinator}/pipelines/{id}")
}

/// How a pipeline stands, in one line for people too.
fn state(row: &PipelineRow) -> (CommitState, &'static str) {
    if row.diagnostics.is_some() {
        return (CommitState::Error, "the configuration is not valid");
    }
    match row.head.status {
        Status::Success => (CommitState::Success, "the pipeline succeeded"),
        Status::Failed => (CommitState::Failure, "the pipeline failed"),
        Status::Canceled => (CommitState::Canceled, "the pipeline was canceled"),
        Status::Skipped => (CommitState::Success, "there was nothing to do"),
        Status::Running | Status::Preparing => (CommitState::Running, "the pipeline is running"),
        Status::Manual => (CommitState::Pending, "the pipeline waits for somebody"),
        _ => (CommitState::Pending, "the pipeline waits for a runner"),
    }
}
