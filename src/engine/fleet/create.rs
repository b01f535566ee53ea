//! Making pipelines.

use std::{collections::BTreeSet, sync::Arc};

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    plan::Plan,
    run::Status,
};
use aqueduct_ports::store::{CreatedPipeline, NewJob, NewPipeline, PipelineHead};

use super::{
    Change, Fleet, FleetError, commit_status,
    commit_status::status_context,
    live::{Live, head, json, settings},
};
use crate::pipeline::Pipeline;

/// A pipeline to make.
#[derive(Clone, Debug)]
pub struct PipelineRequest {
    /// The project.
    pub project: ProjectId,
    /// What it is made for, unique in the project: handling an event twice makes one pipeline.
    pub cause: String,
    /// Full name of the ref.
    pub git_ref: String,
    /// The commit.
    pub sha: String,
    /// What the ref was at before.
    pub before_sha: Option<String>,
    /// `CI_PIPELINE_SOURCE`.
    pub source: String,
    /// What to run, or why it can't be: JSON of the compiler's diagnostics.
    pub plan: Result<Arc<Plan>, String>,
}

/// What the engine keeps of a pipeline that could not be compiled.
const NO_STATE: &str = "{}";

impl Fleet {
    /// Stores a pipeline without handing out its jobs; [`Self::begin`] does. The same request again makes nothing and answers
    /// what was made.
    pub async fn create(&self, request: &PipelineRequest) -> Result<CreatedPipeline, FleetError> {
        let now = self.shared.clock.now();
        let mut new = NewPipeline {
            project: request.project,
            cause: request.cause.clone(),
            git_ref: request.git_ref.clone(),
            sha: request.sha.clone(),
            before_sha: request.before_sha.clone(),
            source: request.source.clone(),
            name: None,
            plan: None,
            plan_hash: None,
            diagnostics: None,
            head: PipelineHead {
                status: Status::Failed,
                active: false,
                state: NO_STATE.to_owned(),
                started: None,
                finished: Some(now),
            },
            jobs: Vec::new(),
            effects: Vec::new(),
            created: now,
        };
        let plan = match &request.plan {
            Ok(plan) => plan,
            Err(diagnostics) => {
                new.diagnostics = Some(diagnostics.clone());
                return self.store_new(new).await;
            }
        };
        // Its number is not known yet, and nothing of the state depends on it.
        let unknown = PipelineId(0);
        let settings = settings(unknown, &self.shared.config);
        let pipeline = Pipeline::begin(Arc::clone(plan), settings, &BTreeSet::new(), now);
        new.name.clone_from(&plan.pipeline.name);
        new.plan = Some(json(plan.as_ref(), unknown)?);
        new.plan_hash = Some(plan.hash.clone());
        new.head = head(&pipeline, unknown)?;
        new.jobs = jobs(&pipeline)?;
        self.store_new(new).await
    }

    async fn store_new(&self, mut new: NewPipeline) -> Result<CreatedPipeline, FleetError> {
        if self.shared.config.commit_statuses
            && let Some(project) = self.shared.store.project(new.project).await?
        {
            let context = status_context(&project.path, new.name.as_deref());
            let effect = commit_status::effect(&new.sha, &context, new.head.status, new.created);
            new.effects.push(effect);
        }
        let created = self.shared.store.create_pipeline(&new).await?;
        if created.fresh {
            self.shared.wake(&new.effects);
            self.announce(Change::Pipeline {
                project: new.project,
                pipeline: created.id,
            });
        }
        Ok(created)
    }

    /// Hands out the jobs of a pipeline from now on. Idempotent; a coordinator that starts does so for all that are active.
    pub async fn begin(&self, id: PipelineId) -> Result<(), FleetError> {
        match self.look(id, |_: &Live, _| ()).await {
            // One that could not be compiled has nothing to hand out.
            Err(FleetError::NoPipeline(_)) => Ok(()),
            other => other,
        }
    }
}

fn jobs(pipeline: &Pipeline) -> Result<Vec<NewJob>, FleetError> {
    let jobs = pipeline.plan().jobs.iter().enumerate();
    jobs.map(|(at, job)| {
        Ok(NewJob {
            name: job.name.clone(),
            stage: job.stage.clone(),
            status: pipeline.state().jobs[at].status,
            state: json(&pipeline.durable().job_part(at), PipelineId(0))?,
        })
    })
    .collect()
}
