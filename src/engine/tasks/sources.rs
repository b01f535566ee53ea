//! Keeps the commits of pipelines for as long as they may be asked for, and not longer.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    refs::RemoteUrl,
    time::Millis,
};
use aqueduct_ports::{
    clock::Clock,
    git::{GitError, Mirrors},
    store::{EnvironmentState, PipelineRow, Project, Store, StoreError},
};
use tokio::time::sleep;

/// How long sources are kept.
#[derive(Clone, Debug)]
pub struct SourcesConfig {
    /// A commit stays this long after its pipeline ended, so that its jobs can be retried.
    pub keep: Millis,
    /// How often there is a look at what is kept.
    pub interval: Duration,
    /// Every so many looks the mirrors are packed, too.
    pub tidy_every: u32,
}

impl Default for SourcesConfig {
    fn default() -> Self {
        Self {
            keep: Millis::from_secs(30 * 24 * 3600),
            interval: Duration::from_hours(1),
            tidy_every: 24,
        }
    }
}

/// Compares what the mirrors keep with the pipelines.
pub struct SourceKeeper {
    store: Arc<dyn Store>,
    mirrors: Arc<dyn Mirrors>,
    clock: Arc<dyn Clock>,
    config: SourcesConfig,
}

/// Why a look at a project's mirror failed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The mirror failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SourceKeeper {
    /// One that hasn't begun.
    pub const fn new(
        store: Arc<dyn Store>,
        mirrors: Arc<dyn Mirrors>,
        clock: Arc<dyn Clock>,
        config: SourcesConfig,
    ) -> Self {
        Self {
            store,
            mirrors,
            clock,
            config,
        }
    }

    /// Keeps what active pipelines need and no ref keeps: after a kill between a pipeline's making and its ref's, or a lost
    /// mirror. To be called before runners are answered. A project whose mirror fails keeps none of the others from theirs.
    pub async fn restore(&self) -> Result<(), StoreError> {
        let mut kept = None;
        for id in self.store.active_pipelines().await? {
            let Some(row) = self.store.pipeline(id).await? else {
                continue;
            };
            // They come in order, most of them of the same few projects.
            if kept
                .as_ref()
                .is_none_or(|(project, _)| *project != row.project)
            {
                let found = self.mirrors.kept(row.project).await.unwrap_or_default();
                kept = Some((row.project, found.into_iter().collect::<BTreeSet<_>>()));
            }
            let is_kept = kept.as_ref().is_some_and(|(_, kept)| kept.contains(&id));
            if is_kept {
                continue;
            }
            if let Err(error) = self.keep(&row).await {
                tracing::warn!(pipeline = %id, %error, "can't keep the sources of a pipeline");
            }
        }
        Ok(())
    }

    async fn keep(&self, row: &PipelineRow) -> Result<(), KeepError> {
        let kept = self.mirrors.keep(row.project, row.id, &row.sha).await;
        if !matches!(kept, Err(GitError::Missing(_))) {
            return Ok(kept?);
        }
        let Some(project) = self.store.project(row.project).await? else {
            return Ok(());
        };
        let url = RemoteUrl::parse(&project.git_url)
            .map_err(|error| GitError::Refused(error.to_string()))?;
        self.mirrors.fetch(row.project, &url, &row.sha).await?;
        Ok(self.mirrors.keep(row.project, row.id, &row.sha).await?)
    }

    /// Looks for ever.
    pub async fn run(self: Arc<Self>) {
        for count in 1_u32.. {
            sleep(self.config.interval).await;
            let tidy = count.is_multiple_of(self.config.tidy_every.max(1));
            if let Err(error) = self.round(tidy).await {
                tracing::warn!(%error, "can't look after the mirrors");
            }
        }
    }

    /// Gives up what is kept for pipelines that ended long ago, and the mirrors of projects that are gone. A mirror that fails
    /// keeps nobody from looking after the others.
    pub async fn round(&self, tidy: bool) -> Result<(), KeepError> {
        let projects = self.store.projects().await?;
        for Project { id, .. } in &projects {
            if let Err(error) = self.look_after(*id, tidy).await {
                tracing::warn!(project = %id, %error, "can't look after a mirror");
            }
        }
        let known: BTreeSet<ProjectId> = projects.iter().map(|project| project.id).collect();
        for mirror in self.mirrors.projects().await? {
            // One that was added since isn't in the list.
            if !known.contains(&mirror) && self.store.project(mirror).await?.is_none() {
                self.mirrors.remove(mirror).await?;
            }
        }
        Ok(())
    }

    async fn look_after(&self, project: ProjectId, tidy: bool) -> Result<(), KeepError> {
        self.give_up(project).await?;
        let has_mirror = self.mirrors.projects().await?.contains(&project);
        if tidy && has_mirror {
            self.mirrors.tidy(project).await?;
        }
        Ok(())
    }

    /// Pipelines whose jobs stop environments that are still in use, however long ago they deployed them.
    async fn needed_to_stop(&self, project: ProjectId) -> Result<BTreeSet<PipelineId>, StoreError> {
        let mut needed = BTreeSet::new();
        for environment in self.store.environments(project).await? {
            if environment.state != EnvironmentState::Stopped
                && let Some(job) = environment.on_stop
                && let Some(row) = self.store.job(job).await?
            {
                needed.insert(row.pipeline);
            }
        }
        Ok(needed)
    }

    async fn give_up(&self, project: ProjectId) -> Result<(), KeepError> {
        let now = self.clock.now();
        let needed = self.needed_to_stop(project).await?;
        let mut over: Vec<PipelineId> = Vec::new();
        for id in self.mirrors.kept(project).await? {
            if needed.contains(&id) {
                continue;
            }
            let row = self.store.pipeline(id).await?;
            let is_over = row.is_none_or(|row| {
                let ended = row.head.finished.filter(|_| !row.head.active);
                ended.is_some_and(|ended| now.since(ended) > self.config.keep)
            });
            if is_over {
                over.push(id);
            }
        }
        if over.is_empty() {
            return Ok(());
        }
        Ok(self.mirrors.release(project, &over).await?)
    }
}
