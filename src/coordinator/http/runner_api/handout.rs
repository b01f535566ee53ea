//! A claimed job as its runner gets it (runner-protocol 3.5).

use aqueduct_core::{
    api::runner::{
        EXTENSION_VERSION, Payload, Secret, artifact,
        encode::{self, Handout, token_variables},
        payload::{
            ArtifactsFile, Dependency, DependencyExtension, GitInfo, JobInfo, PayloadExtension,
            Variable,
        },
    },
    id::ProjectId,
};
use aqueduct_engine::fleet::Claim;
use aqueduct_ports::store::{PipelineRow, RunnerRow};

use super::super::error::ApiError;
use crate::App;

/// The payload of a claimed job; `ours` adds what only our own runner reads.
pub(super) async fn payload(
    app: &App,
    claim: Claim,
    runner: &RunnerRow,
    ours: bool,
) -> Result<Payload, ApiError> {
    let read_token = Secret::new(claim.read_token.as_str());
    let repository_url = Secret::new(claim.repository_url.as_str());
    let git = git_info(app, &claim, &repository_url).await?;
    let handout = Handout {
        id: claim.attempt.job.0,
        job: &claim.job,
        token: Secret::new(claim.report_token.as_str()),
        about: about(&claim),
        git,
        runner: runner.settings.description.clone(),
        variables: variables(&claim, &read_token, &repository_url),
        dependencies: dependencies(app, &claim, &read_token).await?,
        credentials: Vec::new(),
        extension: ours.then(|| extension(app, &claim)),
    };
    Ok(encode::payload(handout))
}

fn about(claim: &Claim) -> JobInfo {
    let path = &claim.project_path;
    JobInfo {
        pipeline_id: claim.pipeline.id.0,
        project_id: claim.pipeline.project.0,
        project_name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        project_full_path: path.clone(),
        time_in_queue_seconds: claim.waited.0 as f64 / 1000.0,
        project_jobs_running_on_instance_runners_count: "0".into(),
        ..JobInfo::default()
    }
}

async fn git_info(app: &App, claim: &Claim, url: &Secret) -> Result<GitInfo, ApiError> {
    let PipelineRow {
        id,
        project,
        git_ref,
        sha,
        before_sha,
        ..
    } = &claim.pipeline;
    let mut refspecs = vec![format!("+refs/pipelines/{id}:refs/pipelines/{id}")];
    let (ref_type, short) = git_ref
        .strip_prefix("refs/tags/")
        .map_or(("branch", git_ref.strip_prefix("refs/heads/")), |tag| {
            ("tag", Some(tag))
        });
    let short = short.unwrap_or(git_ref);
    // A branch may be deleted, moved or not mirrored yet: where it stood for this pipeline never changes. A tag is more than the
    // commit it leads to, so it comes by itself as long as it is there.
    let kept = format!("refs/pipelines/{id}");
    refspecs.push(if ref_type == "branch" {
        format!("+{kept}:refs/remotes/origin/{short}")
    } else if has_ref(app, *project, git_ref).await {
        format!("+{git_ref}:{git_ref}")
    } else {
        format!("+{kept}:{git_ref}")
    });
    Ok(GitInfo {
        repo_url: url.clone(),
        repo_object_format: if sha.len() == 64 { "sha256" } else { "sha1" }.into(),
        ref_name: short.to_owned(),
        sha: sha.clone(),
        before_sha: before_sha.clone().unwrap_or_else(|| "0".repeat(sha.len())),
        ref_type: ref_type.into(),
        refspecs,
        depth: depth(app, claim),
        protected: None,
    })
}

/// Where that can't be told, the commit will do.
async fn has_ref(app: &App, project: ProjectId, git_ref: &str) -> bool {
    let found = app.ports.mirrors.has_ref(project, git_ref).await;
    found.unwrap_or(false)
}

/// What the job's `GIT_DEPTH` says.
fn depth(app: &App, claim: &Claim) -> u32 {
    let set = claim
        .variables
        .iter()
        .rfind(|variable| variable.key == "GIT_DEPTH");
    set.and_then(|variable| variable.value.trim().parse().ok())
        .unwrap_or(app.config.git_depth)
}

fn variables(claim: &Claim, read_token: &Secret, repository_url: &Secret) -> Vec<Variable> {
    let hidden = token_variables(read_token, repository_url);
    let is_hidden = |key: &str| hidden.iter().any(|variable| variable.key == key);
    let mut all: Vec<Variable> = claim
        .variables
        .iter()
        .filter(|variable| !is_hidden(&variable.key))
        .map(|variable| Variable {
            key: variable.key.clone(),
            value: variable.value.clone(),
            public: !variable.masked,
            file: variable.file,
            masked: variable.masked,
            raw: variable.raw,
        })
        .collect();
    all.extend(hidden);
    all
}

async fn dependencies(
    app: &App,
    claim: &Claim,
    read_token: &Secret,
) -> Result<Vec<Dependency>, ApiError> {
    let mut all = Vec::new();
    for (attempt, dependency) in &claim.dependencies {
        let left = app.store().artifacts_of(*attempt).await?;
        let archive = left.into_iter().find(|one| one.kind == artifact::ARCHIVE);
        all.push(Dependency {
            id: attempt.job.0,
            token: read_token.clone(),
            name: dependency.name.clone(),
            artifacts_file: archive.map(|archive| ArtifactsFile {
                filename: archive.file_name,
                size: archive.size,
            }),
        });
    }
    Ok(all)
}

fn extension(app: &App, claim: &Claim) -> PayloadExtension {
    let dependencies = claim.dependencies.iter();
    PayloadExtension {
        version: EXTENSION_VERSION,
        lease_time_ms: app.config.lease_time,
        attempt: claim.attempt.attempt,
        executor: claim.executor.clone(),
        dependencies: dependencies
            .map(|(attempt, dependency)| DependencyExtension {
                id: attempt.job.0,
                base: dependency.base.clone(),
            })
            .collect(),
        ..PayloadExtension::default()
    }
}
