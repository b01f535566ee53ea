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
    verdict::{Verdict, VerdictKind},
};
use aqueduct_engine::fleet::Claim;
use aqueduct_ports::store::{PipelineRow, RunnerRow, StoreError};

use super::super::error::ApiError;
use crate::App;

/// The runner that gets it.
pub(super) struct Asker<'a> {
    pub(super) runner: &'a RunnerRow,
    /// Its token.
    pub(super) token: &'a str,
    /// It is one of our own: it gets what only they read.
    pub(super) ours: bool,
}

/// Why a job can't be handed out.
pub(super) enum Unfit {
    /// Another time it may.
    Later(ApiError),
    /// Nobody can run it.
    Never(Verdict),
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        Self::Later(error.into())
    }
}

/// The payload of a claimed job.
pub(super) async fn payload(
    app: &App,
    mut claim: Claim,
    asker: &Asker<'_>,
) -> Result<Payload, Unfit> {
    if !asker.ours {
        super::cache_keys::resolve(app, &claim.pipeline, &mut claim.job).await;
    }
    let read_token = Secret::new(claim.read_token.as_str());
    let repository_url = Secret::new(claim.repository_url.as_str());
    let git = git_info(app, &claim, &repository_url).await;
    let handout = Handout {
        id: claim.attempt.job.0,
        job: &claim.job,
        token: Secret::new(claim.report_token.as_str()),
        about: about(&claim),
        git,
        runner: asker.runner.settings.description.clone(),
        variables: variables(&claim, asker, &read_token, &repository_url),
        dependencies: dependencies(app, &claim, &read_token).await?,
        credentials: Vec::new(),
        extension: asker.ours.then(|| extension(app, &claim)),
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

async fn git_info(app: &App, claim: &Claim, url: &Secret) -> GitInfo {
    let PipelineRow {
        id,
        project,
        git_ref,
        sha,
        before_sha,
        ..
    } = &claim.pipeline;
    let (ref_type, short) = git_ref
        .strip_prefix("refs/tags/")
        .map_or(("branch", git_ref.strip_prefix("refs/heads/")), |tag| {
            ("tag", Some(tag))
        });
    let short = short.unwrap_or(git_ref);
    let depth = depth(app, claim);
    let named = Named {
        kept: format!("refs/pipelines/{id}"),
        full: git_ref,
        branch: (ref_type == "branch").then_some(short),
        is_there: has_ref(app, *project, git_ref).await,
    };
    GitInfo {
        repo_url: url.clone(),
        repo_object_format: if sha.len() == 64 { "sha256" } else { "sha1" }.into(),
        ref_name: short.to_owned(),
        sha: sha.clone(),
        before_sha: before_sha.clone().unwrap_or_else(|| "0".repeat(sha.len())),
        ref_type: ref_type.into(),
        refspecs: refspecs(&named, depth),
        depth,
        protected: None,
    }
}

/// The ref of a pipeline.
struct Named<'a> {
    /// What keeps its commit.
    kept: String,
    /// Its full name.
    full: &'a str,
    /// The name of the branch; `None` of a tag.
    branch: Option<&'a str>,
    /// The mirror has it.
    is_there: bool,
}

/// What a job fetches. A branch may be deleted, moved or not mirrored yet: where it stood for this pipeline never changes. A tag is more
/// than the commit it leads to, so it comes by itself as long as it is there. The whole history is that of all branches and tags, as they
/// stand now; no two refspecs may lead to one name.
fn refspecs(named: &Named<'_>, depth: u32) -> Vec<String> {
    let Named { kept, full, .. } = named;
    let mut all = vec![format!("+{kept}:{kept}")];
    let whole = depth == 0;
    if whole {
        all.push("+refs/heads/*:refs/remotes/origin/*".into());
        all.push("+refs/tags/*:refs/tags/*".into());
    }
    match named.branch {
        _ if whole && named.is_there => {}
        Some(branch) => all.push(format!("+{kept}:refs/remotes/origin/{branch}")),
        None if named.is_there => all.push(format!("+{full}:{full}")),
        None => all.push(format!("+{kept}:{full}")),
    }
    all
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

/// Of one name the last counts.
fn variables(
    claim: &Claim,
    asker: &Asker<'_>,
    read_token: &Secret,
    repository_url: &Secret,
) -> Vec<Variable> {
    let hidden = token_variables(read_token, repository_url);
    let is_hidden = |key: &str| hidden.iter().any(|variable| variable.key == key);
    let mut all = runner_variables(asker);
    let own = claim.variables.iter();
    let own = own.filter(|variable| !is_hidden(&variable.key));
    all.extend(own.map(|variable| Variable {
        key: variable.key.clone(),
        value: variable.value.clone(),
        public: !variable.masked,
        file: variable.file,
        masked: variable.masked,
        raw: variable.raw,
    }));
    all.extend(hidden);
    all
}

/// What a runner doesn't know of itself (pipeline-yaml section 18). One of ours without tags takes any, and says so itself.
fn runner_variables(asker: &Asker<'_>) -> Vec<Variable> {
    let RunnerRow { id, settings, .. } = asker.runner;
    let raw = |key: &str, value: &str| Variable {
        raw: true,
        ..Variable::plain(key, value)
    };
    let mut all = vec![
        raw("CI_RUNNER_ID", &id.to_string()),
        raw("CI_RUNNER_DESCRIPTION", &settings.description),
        raw("CI_RUNNER_SHORT_TOKEN", short(asker.token)),
    ];
    if !(asker.ours && settings.tags.is_empty()) {
        let tags = serde_json::json!(settings.tags).to_string();
        all.push(raw("CI_RUNNER_TAGS", &tags));
    }
    all
}

/// What may be shown of a runner's token (runner-protocol 2).
fn short(token: &str) -> &str {
    let plain = ["glrt-", "glrtr-", "glcbt-", "GR1348941"]
        .iter()
        .find_map(|prefix| token.strip_prefix(prefix))
        .unwrap_or(token);
    let plain = ["t1_", "t2_", "t3_"]
        .iter()
        .find_map(|kind| plain.strip_prefix(kind))
        .unwrap_or(plain);
    plain
        .char_indices()
        .nth(9)
        .map_or(plain, |(end, _)| &plain[..end])
}

async fn dependencies(
    app: &App,
    claim: &Claim,
    read_token: &Secret,
) -> Result<Vec<Dependency>, Unfit> {
    let mut all = Vec::new();
    for (attempt, dependency) in &claim.dependencies {
        let left = app.store().artifacts_of(*attempt).await?;
        let archive = left.into_iter().find(|one| one.kind == artifact::ARCHIVE);
        let Some(archive) = archive else {
            let cause = format!(
                "the artifacts of job '{}' have expired or were deleted",
                dependency.name
            );
            let hint = "run that job again, or have it keep them longer with `artifacts:expire_in`";
            let verdict = Verdict::new(VerdictKind::ArtifactMissing, cause).with_hint(hint);
            return Err(Unfit::Never(verdict));
        };
        all.push(Dependency {
            id: attempt.job.0,
            token: read_token.clone(),
            name: dependency.name.clone(),
            artifacts_file: Some(ArtifactsFile {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_without_its_prefix_and_most_of_the_rest() {
        let table = [
            ("glrt-abcdefghijkl", "abcdefghi"),
            ("glrt-t1_abcdefghijkl", "abcdefghi"),
            ("GR1348941abcdefghijkl", "abcdefghi"),
            ("äöü", "äöü"),
            ("", ""),
        ];
        for (token, shown) in table {
            assert_eq!(short(token), shown, "{token}");
        }
    }
}
