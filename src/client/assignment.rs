//! A payload as an assignment.

use aqueduct_core::{
    api::runner::{Payload, Secret, decode, payload::PayloadExtension},
    id::{AttemptKey, JobId, PipelineId},
    plan::{JobKind, PlanJob, ScriptSpec},
    sched::Offer,
    time::Millis,
    verdict::Verdict,
};
use aqueduct_ports::work::{Assignment, Dependency, GitSource, JobVariable, Lease, Sources};
use url::Url;

/// A sign of life is due three times in this, whatever a server allows: an answer to one is also how a silent job hears of
/// a cancel.
const LONGEST_LEASE: Millis = Millis::from_secs(15);
/// As a stock runner: a sign of life every 30 seconds.
const STOCK_LEASE: Millis = Millis::from_secs(90);
/// How long a server may be away. It extends leases by its own downtime, and who else would have the job?
const PATIENCE: Millis = Millis::from_secs(3600);

/// The assignment under a lease of this number.
pub(crate) fn assignment(payload: &Payload, offer: &Offer, number: u64) -> Assignment {
    let extension = payload.aqueduct.as_ref();
    let mut job = decode::job(payload).unwrap_or_else(|verdict| refused(payload, &verdict));
    if !job.services.is_empty() {
        job.unsupported
            .push("this runner starts no services beside a job".to_owned());
    }
    let key = AttemptKey {
        pipeline: PipelineId(payload.job_info.pipeline_id),
        job: JobId(payload.id),
        attempt: extension.map_or(1, |extension| extension.attempt.max(1)),
    };
    Assignment {
        lease: Lease { key, token: number },
        executor: executor(extension, &job, offer),
        job,
        project: project(payload),
        variables: variables(payload),
        masks: masks(payload),
        dependencies: dependencies(payload, key, number),
        sources: Sources::Git(source(payload)),
        lease_time: lease_time(extension),
        patience: PATIENCE,
    }
}

/// A job whose payload asks for what can't be done: it fails with that, in its trace.
fn refused(payload: &Payload, verdict: &Verdict) -> PlanJob {
    let kind = JobKind::Script(ScriptSpec::default());
    let mut job = PlanJob::new(&payload.job_info.name, &payload.job_info.stage, 0, kind);
    job.unsupported.push(verdict.cause.clone());
    job
}

fn lease_time(extension: Option<&PayloadExtension>) -> Millis {
    match extension.map(|extension| extension.lease_time_ms) {
        Some(time) if time.0 > 0 => time.min(LONGEST_LEASE),
        _ => STOCK_LEASE,
    }
}

/// The executor that the server chose; the first that fits, where it knows none.
fn executor(extension: Option<&PayloadExtension>, job: &PlanJob, offer: &Offer) -> String {
    let chosen = extension.map_or("", |extension| extension.executor.as_str());
    let has = |name: &str| offer.executors.iter().any(|one| one.name == name);
    if has(chosen) {
        return chosen.to_owned();
    }
    let fits = offer.executors.iter().find(|one| {
        if job.image.is_some() {
            one.with_image
        } else {
            one.without_image
        }
    });
    let any = fits.or(offer.executors.first());
    any.map_or_else(String::new, |one| one.name.clone())
}

/// The path of its project, where the server tells it.
fn project(payload: &Payload) -> Option<String> {
    let path = &payload.job_info.project_full_path;
    (!path.is_empty()).then(|| path.clone())
}

/// One entry a name: the last counts.
fn variables(payload: &Payload) -> Vec<JobVariable> {
    let mut seen = std::collections::BTreeSet::new();
    let last = payload.variables.iter().rev();
    let mut all: Vec<JobVariable> = last
        .filter(|variable| seen.insert(variable.key.as_str()))
        .map(|variable| JobVariable {
            key: variable.key.clone(),
            value: variable.value.clone(),
            file: variable.file,
            masked: variable.masked,
            raw: variable.raw,
        })
        .collect();
    all.reverse();
    all
}

/// What never shows in the trace, whether or not the server says so.
fn masks(payload: &Payload) -> Vec<Secret> {
    let tokens = payload.dependencies.iter().map(|one| one.token.clone());
    let logins = payload.credentials.iter().map(|one| one.password.clone());
    let url = Url::parse(payload.git_info.repo_url.expose()).ok();
    let password = url.and_then(|url| url.password().map(Secret::from));
    let all = [payload.token.clone()].into_iter().chain(tokens);
    let mut all: Vec<Secret> = all.chain(logins).chain(password).collect();
    all.retain(|secret| !secret.is_empty());
    all
}

/// Those that have something to fetch. The wire has no attempt of theirs; what stands for it is the number of our own lease,
/// so that each job fetches with the token that it was given.
fn dependencies(payload: &Payload, key: AttemptKey, number: u64) -> Vec<Dependency> {
    let bases = payload.aqueduct.as_ref().map(|one| &one.dependencies);
    let base_of = |id: u64| {
        let more = bases.into_iter().flatten().find(|more| more.id == id);
        more.map(|more| more.base.clone())
            .filter(|base| !base.is_empty())
    };
    let with_file = payload.dependencies.iter().filter(|dependency| {
        let file = dependency.artifacts_file.as_ref();
        file.is_some_and(|file| !file.filename.is_empty())
    });
    with_file
        .map(|dependency| Dependency {
            key: dependency_key(key.pipeline, dependency.id, number),
            name: dependency.name.clone(),
            base: base_of(dependency.id).unwrap_or_else(|| dependency.name.clone()),
        })
        .collect()
}

/// How a dependency is called for the lease of that number.
pub(crate) const fn dependency_key(pipeline: PipelineId, id: u64, number: u64) -> AttemptKey {
    AttemptKey {
        pipeline,
        job: JobId(id),
        attempt: number as u32,
    }
}

fn source(payload: &Payload) -> GitSource {
    let git = &payload.git_info;
    GitSource {
        url: git.repo_url.clone(),
        sha: git.sha.clone(),
        refspecs: git.refspecs.clone(),
        depth: git.depth,
        sha256: git.repo_object_format == "sha256",
        fetch: payload.allow_git_fetch,
    }
}
