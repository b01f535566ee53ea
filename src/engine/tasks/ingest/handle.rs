//! One event: from a ref that moved to a pipeline.

use std::sync::Arc;

use aqueduct_core::{
    diag::LintReport,
    lang::context::{PipelineSource, RefKind},
    plan::Plan,
    refs::{RefEvent, RemoteUrl, split_ref},
};
use aqueduct_ports::{
    forge::Forge,
    git::{GitError, Since},
    store::{Delivery, Project, StoreError},
};

use crate::fleet::{FleetError, PipelineRequest};

use super::super::environments::Environments;
use super::{
    Ingest,
    compile::{self, Tree},
    context::{Known, context},
};

/// Why an event didn't lead to its end.
#[derive(Debug)]
pub(in crate::tasks) enum Trouble {
    /// Trying again may help.
    Later(String),
    /// It won't.
    Never(String),
}

impl From<GitError> for Trouble {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Missing(_) | GitError::Refused(_) | GitError::TooLarge { .. } => {
                Self::Never(format!("no pipeline: {error}"))
            }
            // Somebody may mend the address or the credentials.
            GitError::Unavailable { .. }
            | GitError::Denied { .. }
            | GitError::NoRepository(_)
            | GitError::Broken(_) => Self::Later(error.to_string()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<FleetError> for Trouble {
    fn from(error: FleetError) -> Self {
        Self::Later(error.to_string())
    }
}

/// What was made of a commit's configuration: a plan, the JSON of its diagnostics, or no pipeline for this reason.
enum Made {
    Plan(Arc<Plan>),
    Invalid(String),
    Nothing(String),
}

impl Ingest {
    /// Handles an event; answers what came of it, for people.
    pub(in crate::tasks) async fn handle(&self, delivery: &Delivery) -> Result<String, Trouble> {
        let content = &delivery.content;
        if Forge::parse(&content.source).is_some() {
            // What a webhook says is not believed: the repository tells, and its events come from the look.
            self.ports.hints.hint(content.project);
            return Ok("the repository is looked at".into());
        }
        let event: RefEvent = serde_json::from_slice(&content.body)
            .map_err(|error| Trouble::Never(format!("the event can't be read: {error}")))?;
        let Some(project) = self.store().project(content.project).await? else {
            return Ok("the project is gone".into());
        };
        let Some((kind, name)) = split_ref(&event.name) else {
            return Ok(format!("{} is neither a branch nor a tag", event.name));
        };
        let Some(sha) = &event.after else {
            return self.gone(&project, &event.name, kind, name).await;
        };
        let plan = match self.compile(&project, &event, sha).await? {
            Made::Nothing(why) => return Ok(format!("no pipeline: {why}")),
            Made::Plan(plan) => Ok(plan),
            Made::Invalid(diagnostics) => Err(diagnostics),
        };
        let request = PipelineRequest {
            project: project.id,
            cause: format!("{}:{}", content.source, content.delivery),
            git_ref: event.name.clone(),
            sha: sha.clone(),
            before_sha: event.before.clone(),
            source: PipelineSource::Push.as_str().to_owned(),
            plan,
        };
        self.make(&request).await
    }

    /// A branch or tag was deleted: what it runs is cancelled, and what it deployed is stopped, from what was stored then.
    async fn gone(
        &self,
        project: &Project,
        git_ref: &str,
        kind: RefKind,
        name: &str,
    ) -> Result<String, Trouble> {
        let kind = if kind == RefKind::Tag {
            "tag"
        } else {
            "branch"
        };
        let cause = format!("{kind} {name} was deleted");
        let (fleet, clock) = (&self.ports.fleet, &self.ports.clock);
        let canceled = fleet.cancel_ref(project.id, git_ref, &cause).await?;
        let environments = Environments::new(Arc::clone(fleet), Arc::clone(clock));
        let stopped = environments.stop_for_ref(project.id, git_ref).await?;
        Ok(format!(
            "{cause}: {canceled} pipelines are cancelled, {stopped} environments are stopped"
        ))
    }

    async fn make(&self, request: &PipelineRequest) -> Result<String, Trouble> {
        let created = self.ports.fleet.create(request).await?;
        if request.plan.is_err() {
            return Ok(format!(
                "pipeline {}: the configuration is wrong",
                created.id
            ));
        }
        self.ports
            .mirrors
            .keep(request.project, created.id, &request.sha)
            .await
            // Gone between fetch and keep: fetched again, and found missing there if it is.
            .map_err(|error| Trouble::Later(error.to_string()))?;
        let (fleet, git_ref) = (&self.ports.fleet, &request.git_ref);
        fleet.begin(created.id).await?;
        fleet
            .supersede(request.project, git_ref, created.id)
            .await?;
        Ok(format!("pipeline {}", created.id))
    }

    async fn compile(
        &self,
        project: &Project,
        event: &RefEvent,
        sha: &str,
    ) -> Result<Made, Trouble> {
        let url = RemoteUrl::parse(&project.git_url)
            .map_err(|error| Trouble::Later(error.to_string()))?;
        let mirrors = self.ports.mirrors.as_ref();
        mirrors
            .fetch_ref(project.id, &url, sha, &event.name)
            .await?;
        let tree = Tree {
            mirrors,
            project: project.id,
            sha,
        };
        let Some((path, entry)) = tree.entry().await? else {
            return Ok(Made::Nothing("the commit has no pipeline file".into()));
        };
        let tag = Some(event.name.as_str()).filter(|name| name.starts_with("refs/tags/"));
        let facts = mirrors.commit(project.id, sha, tag).await?;
        let changes = match &event.before {
            Some(before) if tag.is_none() => {
                let since = Since::Commit(before.clone());
                mirrors.changed(project.id, &since, sha).await?
            }
            _ => None,
        };
        let known = Known {
            project,
            event,
            sha,
            commit: facts.commit,
            changes,
            entry: path,
            url: &self.config.url,
            protected: (self.config.protected)(project).contains(&event.name),
        };
        let mut compilation = tree.compile(entry, context(known)).await?;
        let Some(plan) = compilation.plan.take() else {
            return invalid(&compilation.report());
        };
        if let Some(why) = compile::nothing_to_run(&compilation, &plan) {
            return Ok(Made::Nothing(why));
        }
        if let Some(report) = compile::unsupported(&plan) {
            return invalid(&report);
        }
        Ok(Made::Plan(Arc::new(plan)))
    }
}

fn invalid(report: &LintReport) -> Result<Made, Trouble> {
    let json = serde_json::to_string(report)
        .map_err(|error| Trouble::Never(format!("the diagnostics can't be written: {error}")))?;
    Ok(Made::Invalid(json))
}
