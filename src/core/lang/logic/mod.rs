//! Checks across jobs that need no context, so that `lint` finds what would only show in some pipelines
//! (pipeline-yaml section 16).

mod environment;
mod needs;
mod release;
mod rules;
#[cfg(test)]
mod tests;
mod variables;

pub(super) use needs::{cycle_error, no_same_arch, not_selected};
pub(super) use variables::{declared, expansion_error};

use super::{
    codes::UNKNOWN_STAGE,
    instances::{Catalog, KeyPath, path},
    model::{Job, Pipeline, Spanned},
};
use crate::{
    diag::{Diagnostic, Diagnostics, did_you_mean},
    hash::HashMap,
};

/// The stage of a job that names none.
pub(super) const DEFAULT_STAGE: &str = "test";

/// Checks a pipeline whose keywords were checked one by one. [`plan`](super::build::plan) calls it too.
pub fn check(model: &Pipeline, sink: &mut Diagnostics) {
    let catalog = Catalog::new(model, sink);
    let stages = Stages::new(model);
    check_with(model, &catalog, &stages, sink);
}

/// The same for a caller who has the instances already.
pub(super) fn check_with(
    model: &Pipeline,
    catalog: &Catalog<'_>,
    stages: &Stages<'_>,
    sink: &mut Diagnostics,
) {
    for job in model.jobs.values() {
        check_stage(job, stages, sink);
        environment::check(job, model, sink);
        release::check(job, model, stages, sink);
    }
    needs::check(model, catalog, stages, sink);
    rules::check(model, sink);
    variables::check(model, sink);
}

/// Where each stage stands.
#[derive(Clone, Debug)]
pub(super) struct Stages<'m> {
    order: HashMap<&'m str, u32>,
}

impl<'m> Stages<'m> {
    pub(super) fn new(model: &'m Pipeline) -> Self {
        let names = model.stages.iter().map(|stage| stage.value.as_str());
        Self {
            order: names.zip(0..).collect(),
        }
    }

    /// The place of a job's stage; `None` if the stage is unknown.
    pub(super) fn of(&self, job: &Job) -> Option<u32> {
        self.order.get(stage(job)).copied()
    }
}

/// The name of a job's stage.
pub(super) fn stage(job: &Job) -> &str {
    job.stage
        .as_ref()
        .map_or(DEFAULT_STAGE, |stage| &stage.value)
}

fn check_stage(job: &Job, stages: &Stages<'_>, sink: &mut Diagnostics) {
    if stages.of(job).is_some() {
        return;
    }
    let name = stage(job);
    let place = job.stage.as_ref().map_or(job.name.span, |stage| stage.span);
    let message = match job.stage {
        Some(_) => format!(
            "{} names the stage `{name}`, which is not among `stages`",
            path(job, "stage")
        ),
        None => format!(
            "{} is missing, and the default `{name}` is not among `stages`",
            path(job, "stage")
        ),
    };
    let help = match suggestion(name, stages.order.keys().copied(), sink) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add `{name}` to `stages`, or name one of them"),
    };
    sink.push(Diagnostic::error(UNKNOWN_STAGE, place, message).with_help(help));
}

/// Tells of a name that is no job's; `path` names the keyword.
fn unknown_job(
    path: KeyPath<'_>,
    name: &Spanned<String>,
    model: &Pipeline,
    sink: &mut Diagnostics,
) {
    let message = format!(
        "{path} names `{}`, which is not a job of this pipeline",
        name.value
    );
    let candidates = model.jobs.keys().map(String::as_str);
    let help = match suggestion(&name.value, candidates, sink) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "define the job, or remove its name here".to_owned(),
    };
    sink.push(Diagnostic::error(super::codes::UNKNOWN_JOB, name.span, message).with_help(help));
}

/// Looking for what may be meant goes through all candidates: past the first errors nobody waits for that.
fn suggestion<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
    sink: &Diagnostics,
) -> Option<&'c str> {
    const SUGGESTIONS: usize = 20;
    (sink.error_count() < SUGGESTIONS)
        .then(|| did_you_mean(name, candidates))
        .flatten()
}
