//! A draft as a job of the plan.

use std::sync::Arc;

use super::draft::Draft;
use crate::{
    diag::{SourceMap, Span},
    lang::{
        instances::Instance,
        model::{self, Unsupported},
    },
    plan::{self, JobKind, Need, PlanJob, PlanVariable, VariableOrigin},
};

pub(super) fn make(
    draft: Draft<'_>,
    instance: &Instance<'_>,
    needs: Option<Vec<Need>>,
    artifacts_from: Arc<[String]>,
    sources: &SourceMap,
) -> PlanJob {
    let job = draft.job;
    let interruptible = draft.interruptible();
    let plain = PlanJob::new(
        &instance.name,
        draft.stage,
        draft.stage_index,
        kind(&job.kind),
    );
    PlanJob {
        base: job.name.value.clone(),
        place: locate(job.name.span, sources).unwrap_or_default(),
        when: draft.when,
        allow_failure: draft.allow_failure(),
        start_in: draft.start_in(),
        needs,
        artifacts_from,
        tags: draft.tags,
        arch: draft.arch,
        image: job.image.clone(),
        services: job.services.iter().map(service).collect(),
        variables: draft.variables,
        artifacts: job.artifacts.as_deref().cloned(),
        cache: job.cache.clone(),
        retry: job.retry.clone().unwrap_or_default(),
        timeout: job.timeout.unwrap_or(plain.timeout),
        interruptible,
        environment: draft.environment,
        resource_group: draft.resource_group,
        coverage: job.coverage.as_ref().map(|regex| regex.value.clone()),
        reason: draft.reason,
        unsupported: job
            .unsupported
            .iter()
            .map(|keyword| place(keyword, sources))
            .collect(),
        ..plain
    }
}

fn kind(kind: &model::JobKind) -> JobKind {
    match kind {
        model::JobKind::Script(spec) => JobKind::Script(spec.clone()),
        model::JobKind::Trigger(_) => JobKind::Trigger,
        model::JobKind::Index(index) => JobKind::Index(index.spec.clone()),
        model::JobKind::Publish(publish) => JobKind::Publish(publish.spec.clone()),
    }
}

fn place(keyword: &Unsupported, sources: &SourceMap) -> String {
    match locate(keyword.span, sources) {
        Some(at) => format!("{} ({at})", keyword.value),
        None => keyword.value.clone(),
    }
}

fn locate(span: Span, sources: &SourceMap) -> Option<String> {
    let (file, at) = sources.locate(span)?;
    Some(format!("{file}:{}:{}", at.line, at.column))
}

fn service(service: &model::Service) -> plan::Service {
    let variable = |(key, decl): (&String, &model::VariableDecl)| PlanVariable {
        key: key.as_str().into(),
        value: decl.value.value.as_str().into(),
        origin: VariableOrigin::Job,
        raw: decl.raw,
        file: false,
        secret: false,
    };
    let mut aliases = host_names(&service.image.name);
    aliases.extend(service.aliases.iter().cloned());
    plan::Service {
        image: service.image.clone(),
        aliases,
        command: service.command.clone(),
        variables: service.variables.iter().map(variable).collect(),
    }
}

/// The image's name without its tag, a slash as `__` and as `-`.
fn host_names(image: &str) -> Vec<String> {
    let (path, last) = image
        .rsplit_once('/')
        .map_or(("", image), |(path, last)| (path, last));
    let last = last.split(['@', ':']).next().unwrap_or(last);
    if path.is_empty() {
        return vec![last.to_owned()];
    }
    let path = path.replace(':', "-");
    ["__", "-"]
        .map(|slash| format!("{}{slash}{last}", path.replace('/', slash)))
        .into()
}

#[cfg(test)]
mod tests {
    use super::host_names;

    #[test]
    fn services_answer_to_their_image() {
        assert_eq!(host_names("postgres:16"), ["postgres"]);
        assert_eq!(
            host_names("tutum/wordpress:latest"),
            ["tutum__wordpress", "tutum-wordpress"]
        );
        assert_eq!(
            host_names("r.example:5000/a/b@sha256:0"),
            ["r.example-5000__a__b", "r.example-5000-a-b"]
        );
    }
}
