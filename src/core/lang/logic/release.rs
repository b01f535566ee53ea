//! Jobs whose artifacts an `index` job takes.

use super::{Stages, needs::is_job, unknown_job};
use crate::{
    diag::{Diagnostic, Diagnostics, Span},
    lang::{
        codes::SOURCE_NOT_NEEDED,
        instances::path,
        model::{Job, JobKind, NeedTarget, Pipeline, Spanned},
    },
    plan::IndexSource,
};

pub(super) fn check(job: &Job, model: &Pipeline, stages: &Stages<'_>, sink: &mut Diagnostics) {
    let JobKind::Index(index) = &job.kind else {
        return;
    };
    for (at, source) in index.spec.from.iter().enumerate() {
        let name = match source {
            IndexSource::Reference(_) => continue,
            IndexSource::DigestFile { job, .. } | IndexSource::Layout { job, .. } => job,
        };
        let span = index.from_spans.get(at).copied().unwrap_or(index.span);
        let name = Spanned::new(name.clone(), span);
        check_source(job, &name, model, stages, sink);
    }
}

fn check_source(
    job: &Job,
    name: &Spanned<String>,
    model: &Pipeline,
    stages: &Stages<'_>,
    sink: &mut Diagnostics,
) {
    let path = path(job, "index:from");
    let Some(source) = model.jobs.get(&name.value) else {
        unknown_job(path, name, model, sink);
        return;
    };
    let refuse = |span: Span, why: &str, help: String| {
        let message = format!("{path} takes artifacts of `{}`, {why}", name.value);
        Diagnostic::error(SOURCE_NOT_NEEDED, span, message)
            .with_label(source.name.span, "defined here")
            .with_help(help)
    };
    if source.artifacts.is_none() {
        let help = format!("give `{}` `artifacts: {{paths: […]}}`", name.value);
        sink.push(refuse(name.span, "which keeps none", help));
    } else if !arrives(job, source, stages) {
        let help = format!("add `{}` to the job's `needs`", name.value);
        sink.push(refuse(name.span, "which don't come to this job", help));
    }
}

/// Whether the artifacts of `source` come to `job`, whichever rule matches.
fn arrives(job: &Job, source: &Job, stages: &Stages<'_>) -> bool {
    let name = &source.name.value;
    let needed = match &job.needs {
        Some(needs) => needs.iter().any(|need| {
            is_job(need, name)
                && matches!(&need.target, NeedTarget::Job(target) if target.artifacts)
        }),
        None => stages.of(source) < stages.of(job),
    };
    let chosen = job
        .dependencies
        .as_ref()
        .is_none_or(|names| names.iter().any(|own| own.value == *name));
    needed && chosen
}
