//! Rules that are legal and hardly meant.

use crate::{
    diag::{Diagnostic, Diagnostics},
    hash::HashMap,
    lang::{
        codes::{DUPLICATE_PIPELINES, PERSISTED_VARIABLE},
        expr::Expression,
        instances::{KeyPath, path},
        model::{Job, Pipeline, Rule, RuleWhen, Spanned},
    },
};

/// Variables that get their value only when a job runs.
const PERSISTED: &[&str] = &[
    "CI_JOB_ID",
    "CI_JOB_TOKEN",
    "CI_JOB_URL",
    "CI_JOB_STARTED_AT",
    "CI_JOB_STATUS",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_URL",
    "CI_PROJECT_DIR",
    "CI_REGISTRY_USER",
    "CI_REGISTRY_PASSWORD",
    "CI_REPOSITORY_URL",
    "CI_DEPLOY_USER",
    "CI_DEPLOY_PASSWORD",
];

pub(super) fn check(model: &Pipeline, sink: &mut Diagnostics) {
    let mut reads = HashMap::default();
    let workflow = model.workflow.rules.iter().flatten();
    for condition in workflow.filter_map(|rule| rule.condition.as_ref()) {
        check_condition(
            KeyPath::of_pipeline("workflow:rules:if"),
            condition,
            &mut reads,
            sink,
        );
    }
    for job in model.jobs.values() {
        for condition in job
            .rules
            .iter()
            .flatten()
            .filter_map(|rule| rule.condition.as_ref())
        {
            check_condition(path(job, "rules:if"), condition, &mut reads, sink);
        }
        if model.workflow.rules.is_none() {
            check_last_rule(job, sink);
        }
    }
}

/// `reads` remembers which persisted variable a text reads, since texts repeat.
fn check_condition<'m>(
    path: KeyPath<'_>,
    condition: &'m Spanned<String>,
    reads: &mut HashMap<&'m str, Option<&'static str>>,
    sink: &mut Diagnostics,
) {
    let persisted = *reads
        .entry(&condition.value)
        .or_insert_with(|| persisted(&condition.value));
    if let Some(name) = persisted {
        let message = format!("{path} reads ${name}, which has no value before a job runs");
        sink.push(
            Diagnostic::warning(PERSISTED_VARIABLE, condition.span, message)
                .with_help("rules see predefined variables of the pipeline and those of the file"),
        );
    }
}

fn persisted(text: &str) -> Option<&'static str> {
    let expression = Expression::parse(text).ok()?;
    let names = expression.variables();
    PERSISTED.iter().copied().find(|name| names.contains(name))
}

fn check_last_rule(job: &Job, sink: &mut Diagnostics) {
    let Some(last) = job.rules.as_ref().and_then(|rules| rules.last()) else {
        return;
    };
    let only_when = Rule {
        span: last.span,
        when: last.when.clone(),
        start_in: last.start_in,
        ..Rule::default()
    };
    let runs = last
        .when
        .as_ref()
        .is_some_and(|when| when.value != RuleWhen::Never);
    if runs && *last == only_when {
        let message = format!(
            "{} lets one push make two pipelines, of the branch and of its merge request",
            path(job, "rules")
        );
        sink.push(
            Diagnostic::warning(DUPLICATE_PIPELINES, last.span, message)
                .with_help("say in `workflow:rules` which pipelines there are"),
        );
    }
}
