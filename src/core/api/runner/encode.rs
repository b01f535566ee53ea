//! A job of a plan as a payload.

use super::{
    EXTENSION_VERSION, Secret, artifact,
    payload::{
        AFTER_SCRIPT, ALWAYS, Artifact, Cache, Dependency, DockerOptions, ExecutorOptions, GitInfo,
        Image, JobInfo, KubernetesOptions, ON_SUCCESS, Payload, PayloadExtension, Release,
        RunnerInfo, SCRIPT, ServerFeatures, Step, UserId, Variable,
    },
    reason::Reason,
};
use crate::{
    plan::{self, CacheKey, CachePolicy, Expiry, JobKind, PlanJob, PullPolicy, StoreWhen},
    time::Millis,
};

/// A job that is handed out.
#[derive(Clone, Debug)]
pub struct Handout<'a> {
    /// Its number on the wire.
    pub id: u64,
    /// The job.
    pub job: &'a PlanJob,
    /// The token that reports.
    pub token: Secret,
    /// What it belongs to; number, name and stage are filled in.
    pub about: JobInfo,
    /// Its sources.
    pub git: GitInfo,
    /// The runner's name.
    pub runner: String,
    /// Its final variables, those of [`token_variables`] among them.
    pub variables: Vec<Variable>,
    /// Jobs whose archives it gets, in order.
    pub dependencies: Vec<Dependency>,
    /// Logins of registries.
    pub credentials: Vec<super::payload::Credential>,
    /// For our own runner: its lease, and its attempt and executor. What the job itself says is filled in.
    pub extension: Option<PayloadExtension>,
}

/// Variables that let scripts read what the job may read. The read token is masked by its own variable; the URL holds it.
pub fn token_variables(read_token: &Secret, repo_url: &Secret) -> [Variable; 2] {
    let private = |key, value: &Secret| Variable {
        public: false,
        ..Variable::plain(key, value.expose())
    };
    [
        Variable::masked("CI_JOB_TOKEN", read_token.expose()),
        private("CI_REPOSITORY_URL", repo_url),
    ]
}

/// The payload.
pub fn payload(handout: Handout<'_>) -> Payload {
    let job = handout.job;
    Payload {
        id: handout.id,
        token: handout.token,
        allow_git_fetch: true,
        job_info: JobInfo {
            id: handout.id,
            name: job.name.clone(),
            stage: job.stage.clone(),
            ..handout.about
        },
        git_info: handout.git,
        runner_info: RunnerInfo {
            uuid: handout.runner,
            timeout: seconds(job.timeout) as i64,
        },
        variables: handout.variables,
        steps: steps(job),
        image: job.image.as_ref().map(image),
        services: job.services.iter().map(service).collect(),
        artifacts: job.artifacts.as_ref().map(artifacts).unwrap_or_default(),
        cache: job.cache.iter().map(cache).collect(),
        credentials: handout.credentials,
        dependencies: handout.dependencies,
        features: features(),
        aqueduct: handout.extension.map(|extension| complete(extension, job)),
        ..Payload::default()
    }
}

/// What every payload of ours allows.
fn features() -> ServerFeatures {
    let reasons = Reason::ALL.iter().map(|reason| reason.name().to_owned());
    ServerFeatures {
        trace_sections: true,
        token_mask_prefixes: vec!["glpat-".to_owned()],
        failure_reasons: reasons.collect(),
        tracing: None,
    }
}

/// Whole seconds, at least one: 0 would be two hours.
fn seconds(time: Millis) -> u64 {
    time.0.div_ceil(1000).max(1)
}

fn steps(job: &PlanJob) -> Vec<Step> {
    let JobKind::Script(script) = &job.kind else {
        return Vec::new();
    };
    let timeout = seconds(job.timeout);
    let commands = script.before_script.iter().chain(&script.script);
    let mut steps = vec![Step {
        name: SCRIPT.to_owned(),
        script: commands.cloned().collect(),
        timeout,
        when: ON_SUCCESS.to_owned(),
        allow_failure: false,
    }];
    if !script.after_script.is_empty() {
        steps.push(Step {
            name: AFTER_SCRIPT.to_owned(),
            script: script.after_script.clone(),
            timeout,
            when: ALWAYS.to_owned(),
            allow_failure: true,
        });
    }
    steps
}

fn image(image: &plan::Image) -> Image {
    let docker = DockerOptions {
        platform: image.platform.clone().unwrap_or_default(),
        user: image.user.clone().unwrap_or_default(),
    };
    let user = image.user.clone().map(UserId::Text);
    Image {
        name: image.name.clone(),
        entrypoint: image.entrypoint.clone(),
        pull_policy: image.pull_policy.iter().map(|one| policy(*one)).collect(),
        executor_opts: ExecutorOptions {
            docker: (docker != DockerOptions::default()).then_some(docker),
            kubernetes: user.map(|user| KubernetesOptions { user: Some(user) }),
        },
        ..Image::default()
    }
}

fn policy(policy: PullPolicy) -> String {
    match policy {
        PullPolicy::Always => "always",
        PullPolicy::IfNotPresent => "if-not-present",
        PullPolicy::Never => "never",
    }
    .to_owned()
}

fn service(service: &plan::Service) -> Image {
    let variables = service.variables.iter().map(|variable| Variable {
        key: variable.key.to_string(),
        value: variable.value.to_string(),
        public: !variable.secret,
        file: variable.file,
        masked: variable.secret,
        raw: variable.raw,
    });
    Image {
        alias: service.aliases.join(","),
        command: service.command.clone().unwrap_or_default(),
        variables: variables.collect(),
        ..image(&service.image)
    }
}

fn artifacts(artifacts: &plan::Artifacts) -> Vec<Artifact> {
    let mut all = Vec::new();
    if !artifacts.paths.is_empty() || artifacts.untracked {
        all.push(Artifact {
            name: artifacts.name.clone().unwrap_or_default(),
            untracked: artifacts.untracked,
            paths: artifacts.paths.clone(),
            exclude: artifacts.exclude.clone(),
            when: when(artifacts.when),
            artifact_type: artifact::ARCHIVE.to_owned(),
            artifact_format: artifact::Format::Zip.name().to_owned(),
            expire_in: expiry(artifacts.expire_in),
        });
    }
    let reports = &artifacts.reports;
    let files = reports
        .files
        .iter()
        .map(|(kind, paths)| (kind.as_str(), paths));
    let dotenv = (!reports.dotenv.is_empty()).then_some((artifact::DOTENV, &reports.dotenv));
    for (kind, paths) in files.chain(dotenv) {
        let (format, name) = artifact::report(kind);
        all.push(Artifact {
            name,
            paths: paths.clone(),
            when: ALWAYS.to_owned(),
            artifact_type: kind.to_owned(),
            artifact_format: format.name().to_owned(),
            expire_in: expiry(artifacts.expire_in),
            ..Artifact::default()
        });
    }
    all
}

fn expiry(expiry: Option<Expiry>) -> String {
    match expiry {
        None => String::new(),
        Some(Expiry::Never) => "never".to_owned(),
        Some(Expiry::After(time)) => format!("{} seconds", seconds(time)),
    }
}

fn when(when: StoreWhen) -> String {
    match when {
        StoreWhen::OnSuccess => ON_SUCCESS,
        StoreWhen::OnFailure => "on_failure",
        StoreWhen::Always => ALWAYS,
    }
    .to_owned()
}

/// A key that is a hash over files is known to whoever has the files: a stock runner gets its prefix alone, unless it was
/// resolved before; ours gets it whole in the extension.
fn cache(cache: &plan::Cache) -> Cache {
    Cache {
        key: match &cache.key {
            CacheKey::Text(text) => text.clone(),
            CacheKey::Files { prefix, .. } => match prefix.as_deref() {
                Some(prefix) if !prefix.is_empty() => format!("{prefix}-default"),
                _ => "default".to_owned(),
            },
        },
        untracked: cache.untracked,
        policy: match &cache.policy {
            CachePolicy::PullPush => "pull-push".to_owned(),
            CachePolicy::Pull => "pull".to_owned(),
            CachePolicy::Push => "push".to_owned(),
            CachePolicy::Variable(text) => text.clone(),
        },
        paths: cache.paths.clone(),
        when: when(cache.when),
        fallback_keys: cache.fallback_keys.clone(),
    }
}

fn complete(mut extension: PayloadExtension, job: &PlanJob) -> PayloadExtension {
    extension.version = EXTENSION_VERSION;
    job.kind.name().clone_into(&mut extension.kind);
    extension.release = match &job.kind {
        JobKind::Index(spec) => Some(Release::Index(spec.clone())),
        JobKind::Publish(spec) => Some(Release::Publish(spec.clone())),
        JobKind::Script(_) | JobKind::Trigger => None,
    };
    extension.base = if job.base == job.name {
        String::new()
    } else {
        job.base.clone()
    };
    extension.arch = job.arch;
    extension.tags.clone_from(&job.tags);
    extension.coverage.clone_from(&job.coverage);
    let keys = job.cache.iter().enumerate();
    let files = keys.filter(|(_, cache)| matches!(cache.key, CacheKey::Files { .. }));
    extension.cache_keys = files.map(|(at, cache)| (at, cache.key.clone())).collect();
    extension
}
