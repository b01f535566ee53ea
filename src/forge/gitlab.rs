//! What GitLab says: the body names the event itself, in project and in system hooks.

use aqueduct_ports::forge::{HookError, HookEvent, HookRequest};
use serde::Deserialize;

use crate::{json, refs::Push};

/// What every body says of itself.
#[derive(Debug, Deserialize)]
struct Kind {
    object_kind: Option<String>,
    /// In system hooks that are about no object.
    event_name: Option<String>,
}

/// The event of a body.
pub(crate) fn event(request: &HookRequest<'_>) -> Result<HookEvent, HookError> {
    let Kind {
        object_kind,
        event_name,
    } = json(request)?;
    let Some(kind) = object_kind.or(event_name) else {
        return Err(HookError::Malformed("'object_kind' is missing".into()));
    };
    match kind.as_str() {
        "push" | "tag_push" => json::<Push>(request)?.event(),
        "merge_request" => Ok(HookEvent::Unsupported("merge requests")),
        _ => Ok(HookEvent::Other(kind)),
    }
}
