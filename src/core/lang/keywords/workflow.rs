//! `workflow`.

use super::{field::Field, rules, sink::Sink};
use crate::{
    lang::model::{AutoCancel, Workflow},
    plan::OnNewCommit,
};

/// Longest name of a pipeline, in characters.
const MAX_NAME: usize = 255;

/// `workflow`.
pub(super) fn workflow(field: &Field<'_>, sink: &mut Sink<'_>) -> Workflow {
    let mut out = Workflow::default();
    let Some(map) = field.map(sink, &["name", "rules", "auto_cancel"]) else {
        return out;
    };
    // An empty name is none.
    let name = map.get("name");
    if let Some(name) = name.filter(|name| name.node.as_str() != Some("")) {
        name.short(sink, MAX_NAME);
        out.name = name.spanned(sink);
    }
    let rules = map.get("rules");
    out.rules = rules.map(|field| rules::workflow_rules(&field, sink));
    if let Some(field) = map.get("auto_cancel") {
        out.auto_cancel = auto_cancel(&field, sink);
    }
    out
}

/// `auto_cancel` of the workflow or of one of its rules.
pub(super) fn auto_cancel(field: &Field<'_>, sink: &mut Sink<'_>) -> AutoCancel {
    let mut out = AutoCancel::default();
    let Some(map) = field.map(sink, &["on_new_commit", "on_job_failure"]) else {
        return out;
    };
    out.on_new_commit = map.get("on_new_commit").and_then(|field| {
        let words = [
            ("conservative", OnNewCommit::Conservative),
            ("interruptible", OnNewCommit::Interruptible),
            ("none", OnNewCommit::None),
        ];
        field.choice(sink, &words)
    });
    let failure = map.get("on_job_failure");
    out.on_job_failure =
        failure.and_then(|field| field.choice(sink, &[("none", false), ("all", true)]));
    out
}
