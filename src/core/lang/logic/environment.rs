//! The pair of jobs that starts and stops an environment.

use super::unknown_job;
use crate::{
    diag::{Diagnostic, Diagnostics},
    lang::{
        codes::INVALID_ON_STOP,
        instances::path,
        model::{Job, Pipeline},
    },
    plan::EnvironmentAction,
};

pub(super) fn check(job: &Job, model: &Pipeline, sink: &mut Diagnostics) {
    let Some(environment) = &job.environment else {
        return;
    };
    let Some(on_stop) = &environment.on_stop else {
        return;
    };
    let path = path(job, "environment:on_stop");
    let Some(stopper) = model.jobs.get(&on_stop.value) else {
        unknown_job(path, on_stop, model, sink);
        return;
    };
    let name = &on_stop.value;
    let wrong = match &stopper.environment {
        None => Some(format!("`{name}`, which has no environment")),
        Some(other) if other.name.value != environment.name.value => Some(format!(
            "`{name}`, whose environment is `{}`",
            other.name.value
        )),
        Some(other) if other.action != EnvironmentAction::Stop => Some(format!(
            "`{name}`, whose `environment:action` is not `stop`"
        )),
        Some(_) => None,
    };
    if let Some(wrong) = wrong {
        let help = format!(
            "give `{name}` the environment `{{name: {}, action: stop}}`",
            environment.name.value
        );
        sink.push(
            Diagnostic::error(
                INVALID_ON_STOP,
                on_stop.span,
                format!("{path} names {wrong}"),
            )
            .with_label(stopper.name.span, "defined here")
            .with_help(help),
        );
    }
}
