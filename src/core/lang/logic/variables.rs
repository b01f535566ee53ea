//! Variables of the file that refer to each other in a circle.

use crate::{
    diag::{Diagnostic, Diagnostics, Span},
    lang::{
        codes::VARIABLE_CYCLE,
        instances::{KeyPath, path},
        model::{Inherit, Job, Pipeline, Variables},
        variables::{Entry, ExpansionError, JobScope, Layer, PipelineScope},
    },
    plan::VariableOrigin,
};

pub(super) fn check(model: &Pipeline, sink: &mut Diagnostics) {
    let global = declared(&model.variables, VariableOrigin::Global);
    let scope = PipelineScope::new(Layer::default(), global, Layer::default());
    let shared = scope.referring();
    if let Err(error) = JobScope::new(&scope, &Inherit::All).check(&shared) {
        sink.push(expansion_error(
            KeyPath::of_pipeline("variables"),
            &error,
            None,
            model,
        ));
        return;
    }
    for job in model.jobs.values().filter(|job| !job.variables.is_empty()) {
        let mut own = JobScope::new(&scope, &job.inherit_variables);
        own.own = declared(&job.variables, VariableOrigin::Job);
        if let Err(error) = own.check(&shared) {
            sink.push(expansion_error(
                path(job, "variables"),
                &error,
                Some(job),
                model,
            ));
        }
    }
}

/// Declared variables as a layer.
pub(in crate::lang) fn declared(variables: &Variables, origin: VariableOrigin) -> Layer {
    let entry = |decl: &crate::lang::model::VariableDecl| Entry {
        raw: decl.raw,
        ..Entry::plain(decl.value.value.as_str(), origin)
    };
    variables
        .iter()
        .map(|(name, decl)| (name.as_str().into(), entry(decl)))
        .collect()
}

/// The error at the place where the variable is declared, in the job or globally.
pub(in crate::lang) fn expansion_error(
    path: KeyPath<'_>,
    error: &ExpansionError,
    job: Option<&Job>,
    model: &Pipeline,
) -> Diagnostic {
    let name = error.variable();
    let own = job.and_then(|job| job.variables.get(name));
    let place = own
        .or_else(|| model.variables.get(name))
        .map(|decl| decl.name_span);
    let fallback = || job.map_or_else(Span::default, |job| job.name.span);
    Diagnostic::error(
        VARIABLE_CYCLE,
        place.unwrap_or_else(fallback),
        format!("{path}: {error}"),
    )
    .with_help("write `expand: false` where a value holds a `$` that is no reference")
}
