//! `when`, `start_in`, `allow_failure`, `retry`: when a job starts and what its failure means.

use std::collections::BTreeSet;

use super::{
    codes::{CONFLICTING_KEYWORDS, DUPLICATE_VALUE, MISSING_KEYWORD},
    field::{Field, Map},
    scalar::WEEK,
    sink::Sink,
};
use crate::{
    lang::model::{RuleWhen, Spanned},
    plan::{AllowFailure, Retry, When},
    time::Millis,
};

const WHEN: &[(&str, RuleWhen)] = &[
    ("on_success", RuleWhen::Run(When::OnSuccess)),
    ("on_failure", RuleWhen::Run(When::OnFailure)),
    ("always", RuleWhen::Run(When::Always)),
    ("never", RuleWhen::Never),
    ("manual", RuleWhen::Run(When::Manual)),
    ("delayed", RuleWhen::Run(When::Delayed)),
];

/// The failure reasons of `retry:when` that the language's documentation names.
const RETRY_REASONS: &[&str] = &[
    "always",
    "unknown_failure",
    "script_failure",
    "api_failure",
    "stuck_or_timeout_failure",
    "stuck_pending_with_matching_runners",
    "stuck_pending_no_matching_runners",
    "no_updates_running",
    "no_updates_canceling",
    "runner_system_failure",
    "runner_configuration_error",
    "runner_external_dependency_failure",
    "runner_interrupted",
    "runner_unsupported",
    "stale_schedule",
    "job_execution_timeout",
    "server_timeout_running",
    "server_timeout_canceling",
    "archived_failure",
    "unmet_prerequisites",
    "scheduler_failure",
    "data_integrity_failure",
];

/// The server's other failure reasons. It takes them in `retry:when` as well, though most of them come before a job
/// starts or after its last retry.
const OTHER_REASONS: &[&str] = &[
    "bridge_pipeline_is_child_pipeline",
    "builds_disabled",
    "ci_quota_exceeded",
    "deployment_rejected",
    "downstream_bridge_project_not_found",
    "downstream_pipeline_creation_failed",
    "downstream_project_trigger_resolved_to_empty",
    "duo_workflow_not_allowed",
    "environment_creation_failure",
    "failed_outdated_deployment_job",
    "forward_deployment_failure",
    "id_token_burned_project_path",
    "insufficient_bridge_permissions",
    "insufficient_upstream_permissions",
    "invalid_bridge_trigger",
    "ip_restriction_failure",
    "job_execution_server_timeout",
    "job_router_failure",
    "job_token_expired",
    "missing_dependency_failure",
    "no_matching_runner",
    "pipeline_loop_detected",
    "project_deleted",
    "protected_environment_failure",
    "reached_downstream_pipeline_trigger_rate_limit",
    "reached_max_descendant_pipelines_depth",
    "reached_max_pipeline_hierarchy_size",
    "secrets_provider_not_found",
    "trace_size_exceeded",
    "upstream_bridge_project_not_found",
    "user_blocked",
];

/// `when` of a job or of a rule.
pub(super) fn when(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Spanned<RuleWhen>> {
    let when = field.choice(sink, WHEN)?;
    Some(Spanned::new(when, field.span()))
}

/// `start_in`, which must stand exactly beside `when: delayed`.
pub(super) fn start_in(
    map: &Map<'_>,
    when: Option<&Spanned<RuleWhen>>,
    sink: &mut Sink<'_>,
) -> Option<Millis> {
    let delayed = when.is_some_and(|when| when.value == RuleWhen::Run(When::Delayed));
    let Some(field) = map.get("start_in") else {
        if let Some(when) = when.filter(|_| delayed) {
            let text = "must have `start_in`, because of `when: delayed`";
            let help = "add `start_in: 30 minutes`";
            sink.error(MISSING_KEYWORD, map.path, when.span, text, help);
        }
        return None;
    };
    let length = field.duration(sink, Some(WEEK));
    if !delayed {
        let text = "is only allowed with `when: delayed`";
        let help = "add `when: delayed`, or remove `start_in`";
        let span = map.key_span("start_in");
        sink.error(CONFLICTING_KEYWORDS, field.path, span, text, help);
        return None;
    }
    length
}

/// `allow_failure`.
pub(super) fn allow_failure(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<AllowFailure> {
    if field.node.as_mapping().is_none() {
        if field.node.as_bool().is_none() {
            let help = "write `true`, `false` or `exit_codes: …` below it";
            field.refuse_type(sink, "a boolean or a mapping with `exit_codes`", help);
        }
        return field.node.as_bool().map(|allowed| {
            if allowed {
                AllowFailure::Yes
            } else {
                AllowFailure::No
            }
        });
    }
    let map = field.map(sink, &["exit_codes"])?;
    let codes = exit_codes(&map.require(sink, "exit_codes")?, sink);
    Some(AllowFailure::ExitCodes(codes))
}

/// `allow_failure` of a trigger job, which has no exit code.
pub(super) fn allow_bridge_failure(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<AllowFailure> {
    if field.node.as_mapping().is_some() {
        let help = "write `true` or `false`: a trigger job has no exit codes";
        field.refuse_type(sink, "a boolean", help);
        return None;
    }
    allow_failure(field, sink)
}

/// `retry`.
pub(super) fn retry(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Retry> {
    if field.node.as_mapping().is_none() {
        let max = field.number(sink, 0..=2)?;
        return Some(Retry {
            max: max as u32,
            ..Retry::default()
        });
    }
    let map = field.map(sink, &["max", "when", "exit_codes"])?;
    let max = map.get("max").map(|field| field.number(sink, 0..=2));
    let mut out = Retry {
        // Without `max` GitLab retries as often as it can.
        max: max.flatten().unwrap_or(2) as u32,
        ..Retry::default()
    };
    if let Some(field) = map.get("when") {
        out.when = reasons(&field, sink);
    }
    if let Some(field) = map.get("exit_codes") {
        out.exit_codes = exit_codes(&field, sink);
    }
    Some(out)
}

fn reasons(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    let words: Vec<(&str, &str)> = RETRY_REASONS.iter().map(|word| (*word, *word)).collect();
    let mut items = Vec::new();
    field.flatten_into(sink, 0, &mut items);
    field.check_filled(sink, &items);
    items
        .iter()
        .filter_map(|item| {
            let other = item.node.as_str().and_then(other_reason);
            other.or_else(|| item.choice(sink, &words))
        })
        .map(str::to_owned)
        .collect()
}

fn other_reason(text: &str) -> Option<&'static str> {
    OTHER_REASONS.iter().copied().find(|reason| *reason == text)
}

/// One exit code or a list of them.
fn exit_codes(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<i32> {
    let mut items = Vec::new();
    field.flatten_into(sink, 0, &mut items);
    field.check_filled(sink, &items);
    let mut codes = BTreeSet::new();
    for item in items {
        let Some(code) = item.number(sink, 0..=i64::from(i32::MAX)) else {
            continue;
        };
        if !codes.insert(code as i32) {
            let text = format!("has {code} twice");
            item.refuse(sink, DUPLICATE_VALUE, &text, "remove one of them");
        }
    }
    codes.into_iter().collect()
}
