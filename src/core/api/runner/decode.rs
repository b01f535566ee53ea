//! A payload as a job of a plan.

use super::{
    artifact,
    payload::{AFTER_SCRIPT, Artifact, Cache, Image, Payload, Release, SCRIPT},
};
use crate::{
    lang::duration,
    plan::{
        self, Artifacts, CachePolicy, Expiry, JobKind, PlanJob, PlanVariable, PullPolicy,
        ScriptSpec, StoreWhen, VariableOrigin,
    },
    time::Millis,
    verdict::{Verdict, VerdictKind},
};

/// Deadline of a job whose server names none (runner-protocol 3.5, `runner_info`).
const DEFAULT_TIMEOUT: Millis = Millis::from_secs(7200);

/// The job that a payload describes, whoever wrote it.
///
/// # Errors
/// What the payload asks for and no runner of ours can do, as the job's verdict.
pub fn job(payload: &Payload) -> Result<PlanJob, Verdict> {
    refuse(payload)?;
    let extension = payload.aqueduct.as_ref();
    let kind = match extension.and_then(|extension| extension.release.clone()) {
        Some(Release::Index(spec)) => JobKind::Index(spec),
        Some(Release::Publish(spec)) => JobKind::Publish(spec),
        None => JobKind::Script(script(payload)?),
    };
    let info = &payload.job_info;
    let mut job = PlanJob::new(&info.name, &info.stage, 0, kind);
    job.timeout = match u64::try_from(payload.runner_info.timeout) {
        Ok(seconds) if seconds > 0 => Millis::from_secs(seconds),
        _ => DEFAULT_TIMEOUT,
    };
    job.image = payload.image.as_ref().and_then(image);
    job.services = payload.services.iter().filter_map(service).collect();
    job.artifacts = artifacts(&payload.artifacts);
    job.cache = payload.cache.iter().map(cache).collect();
    if let Some(extension) = extension {
        if !extension.base.is_empty() {
            job.base.clone_from(&extension.base);
        }
        job.arch = extension.arch;
        job.tags.clone_from(&extension.tags);
        job.coverage.clone_from(&extension.coverage);
        for (at, key) in &extension.cache_keys {
            if let Some(cache) = job.cache.get_mut(*at) {
                cache.key = key.clone();
            }
        }
    }
    Ok(job)
}

/// What would silently do something else.
fn refuse(payload: &Payload) -> Result<(), Verdict> {
    let unsupported = [
        (!payload.run.is_empty(), "`run`"),
        (!payload.secrets.is_empty(), "`secrets`"),
        (!payload.inputs.is_empty(), "job inputs"),
        (!payload.hooks.is_empty(), "`hooks`"),
    ];
    match unsupported.iter().find(|(asked, _)| *asked) {
        Some((_, what)) => Err(unsupported_verdict(&format!(
            "this runner does not know {what}"
        ))),
        None => Ok(()),
    }
}

fn unsupported_verdict(cause: &str) -> Verdict {
    Verdict::new(VerdictKind::RunnerUnsupported, cause)
}

fn script(payload: &Payload) -> Result<ScriptSpec, Verdict> {
    let mut spec = ScriptSpec::default();
    for step in &payload.steps {
        match step.name.as_str() {
            SCRIPT => spec.script.extend(step.script.iter().cloned()),
            AFTER_SCRIPT => spec.after_script.extend(step.script.iter().cloned()),
            other => {
                return Err(unsupported_verdict(&format!(
                    "this runner does not know the step '{other}'"
                )));
            }
        }
    }
    Ok(spec)
}

/// An empty name leaves the image to the runner.
fn image(image: &Image) -> Option<plan::Image> {
    if image.name.is_empty() {
        return None;
    }
    let docker = image.executor_opts.docker.as_ref();
    let kubernetes = image.executor_opts.kubernetes.as_ref();
    let user = docker
        .map(|docker| docker.user.clone())
        .filter(|user| !user.is_empty())
        .or_else(|| kubernetes.and_then(|options| Some(options.user.as_ref()?.text())));
    let policies = image.pull_policy.iter();
    Some(plan::Image {
        name: image.name.clone(),
        entrypoint: image.entrypoint.clone(),
        pull_policy: policies.filter_map(|name| policy(name)).collect(),
        platform: docker
            .map(|docker| docker.platform.clone())
            .filter(|platform| !platform.is_empty()),
        user,
    })
}

fn policy(name: &str) -> Option<PullPolicy> {
    match name {
        "always" => Some(PullPolicy::Always),
        "if-not-present" => Some(PullPolicy::IfNotPresent),
        "never" => Some(PullPolicy::Never),
        _ => None,
    }
}

fn service(service: &Image) -> Option<plan::Service> {
    let names = service.alias.split([' ', ',']);
    let variables = service.variables.iter().map(|variable| PlanVariable {
        key: variable.key.as_str().into(),
        value: variable.value.as_str().into(),
        origin: VariableOrigin::Job,
        raw: variable.raw,
        file: variable.file,
        secret: variable.masked,
    });
    Some(plan::Service {
        image: image(service)?,
        aliases: names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        command: (!service.command.is_empty()).then(|| service.command.clone()),
        variables: variables.collect(),
    })
}

fn artifacts(entries: &[Artifact]) -> Option<Artifacts> {
    if entries.is_empty() {
        return None;
    }
    let mut out = Artifacts::default();
    for entry in entries {
        out.expire_in = out.expire_in.or_else(|| expiry(&entry.expire_in));
        match entry.artifact_type.as_str() {
            "" | artifact::ARCHIVE => {
                out.name = (!entry.name.is_empty()).then(|| entry.name.clone());
                out.paths.clone_from(&entry.paths);
                out.exclude.clone_from(&entry.exclude);
                out.untracked = entry.untracked;
                out.when = when(&entry.when);
            }
            artifact::DOTENV => out.reports.dotenv.clone_from(&entry.paths),
            kind => {
                let files = &mut out.reports.files;
                files.insert(kind.to_owned(), entry.paths.clone());
            }
        }
    }
    Some(out)
}

fn expiry(text: &str) -> Option<Expiry> {
    match text {
        "" => None,
        "never" => Some(Expiry::Never),
        text => duration::parse(text).map(Expiry::After),
    }
}

fn when(text: &str) -> StoreWhen {
    match text {
        "on_failure" => StoreWhen::OnFailure,
        "always" => StoreWhen::Always,
        _ => StoreWhen::OnSuccess,
    }
}

fn cache(cache: &Cache) -> plan::Cache {
    plan::Cache {
        key: plan::CacheKey::Text(cache.key.clone()),
        paths: cache.paths.clone(),
        untracked: cache.untracked,
        policy: match cache.policy.as_str() {
            "" | "pull-push" => CachePolicy::PullPush,
            "pull" => CachePolicy::Pull,
            "push" => CachePolicy::Push,
            text => CachePolicy::Variable(text.to_owned()),
        },
        when: when(&cache.when),
        fallback_keys: cache.fallback_keys.clone(),
    }
}
