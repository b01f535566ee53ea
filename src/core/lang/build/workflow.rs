//! `workflow`: whether there is a pipeline, and what it is called.

use std::sync::LazyLock;

use crate::{
    diag::Diagnostics,
    lang::{
        conditions::{Conditions, describe},
        context::{Context, PipelineSource},
        expr::Pattern,
        instances::KeyPath,
        logic,
        model::{AutoCancel, Inherit, Pipeline, RuleWhen},
        predefined,
        variables::{JobScope, PipelineScope},
    },
    plan::{OnNewCommit, VariableOrigin},
};

/// Longest name of a pipeline, in characters.
const MAX_NAME: usize = 255;

/// What `workflow` says in a context.
pub(super) struct Workflow {
    pub(super) name: Option<String>,
    pub(super) cancel_on_job_failure: bool,
    pub(super) on_new_commit: OnNewCommit,
    /// Why there is no pipeline.
    pub(super) refused: Option<String>,
}

/// Evaluates `workflow`; the matched rule's variables and the name go into `scope`. `None` after an error.
pub(super) fn decide<'m>(
    model: &'m Pipeline,
    context: &Context,
    conditions: &Conditions<'m>,
    scope: &mut PipelineScope,
    sink: &mut Diagnostics,
) -> Option<Workflow> {
    let mut auto_cancel = model.workflow.auto_cancel;
    let mut refused = skip_marker(context);
    if let Some(rules) = &model.workflow.rules {
        let place = {
            let job = JobScope::new(scope, &Inherit::All);
            if let Err(error) = job.check(&scope.referring()) {
                sink.push(logic::expansion_error(
                    KeyPath::of_pipeline("workflow"),
                    &error,
                    None,
                    model,
                ));
                return None;
            }
            match conditions.first_match(rules, &job, KeyPath::of_pipeline("workflow:rules")) {
                Ok(place) => place,
                Err(error) => {
                    sink.push(*error);
                    return None;
                }
            }
        };
        match place.map(|at| (at, &rules[at])) {
            None => {
                refused = refused.or_else(|| Some("no rule of workflow:rules matches".to_owned()));
            }

            Some((at, rule))
                if rule
                    .when
                    .as_ref()
                    .is_some_and(|when| when.value == RuleWhen::Never) =>
            {
                let reason = format!(
                    "rule {} of workflow:rules says never: {}",
                    at + 1,
                    describe(rule)
                );
                refused = refused.or(Some(reason));
            }
            Some((_, rule)) => {
                scope
                    .global
                    .extend(logic::declared(&rule.variables, VariableOrigin::Global));
                auto_cancel = over(rule.auto_cancel, auto_cancel);
            }
        }
    }
    let name = model.workflow.name.as_ref().map(|name| {
        let expanded = JobScope::new(scope, &Inherit::All).expand(&name.value);
        expanded.chars().take(MAX_NAME).collect::<String>()
    });
    let name = name.filter(|name| !name.trim().is_empty());
    if let Some(name) = &name {
        predefined::set(&mut scope.predefined, "CI_PIPELINE_NAME", name);
    }
    Some(Workflow {
        name,
        cancel_on_job_failure: auto_cancel.on_job_failure.unwrap_or(false),
        on_new_commit: auto_cancel.on_new_commit.unwrap_or_default(),
        refused,
    })
}

fn over(rule: Option<AutoCancel>, base: AutoCancel) -> AutoCancel {
    rule.map_or(base, |rule| AutoCancel {
        on_new_commit: rule.on_new_commit.or(base.on_new_commit),
        on_job_failure: rule.on_job_failure.or(base.on_job_failure),
    })
}

/// `[skip ci]` and `[ci skip]` in the commit's message, for pipelines that nobody asked for by hand.
fn skip_marker(context: &Context) -> Option<String> {
    static MARKER: LazyLock<Option<Pattern>> =
        LazyLock::new(|| Pattern::parse(r"/\[(ci[ _-]skip|skip[ _-]ci)\]/i").ok());
    let automatic = matches!(
        context.source,
        PipelineSource::Push | PipelineSource::MergeRequest | PipelineSource::ExternalPullRequest
    );
    let marked = context.skip_markers
        && automatic
        && MARKER
            .as_ref()
            .is_some_and(|marker| marker.is_match(&context.commit.message));
    marked.then(|| "the commit's message says to skip it".to_owned())
}
