//! Branches and tags in webhooks.

use aqueduct_core::refs::{RefEvent, is_sha, split_ref};
use aqueduct_ports::forge::{HookError, HookEvent};
use serde::Deserialize;

/// A push, as all forges tell it: a side of zeros means that the ref is not there.
#[derive(Debug, Deserialize)]
pub(crate) struct Push {
    #[serde(rename = "ref")]
    name: String,
    before: String,
    after: String,
}

impl Push {
    /// What it means.
    pub(crate) fn event(self) -> Result<HookEvent, HookError> {
        if split_ref(&self.name).is_none() {
            return Ok(HookEvent::Other(format!("a push to {}", self.name)));
        }
        let (before, after) = (commit("before", self.before)?, commit("after", self.after)?);
        if before.is_none() && after.is_none() {
            return Err(HookError::Malformed(
                "the ref is there neither before nor after".into(),
            ));
        }
        Ok(HookEvent::Ref(RefEvent {
            name: self.name,
            before,
            after,
            initial: false,
        }))
    }
}

/// A commit; `None` for the zeros that stand for none.
pub(crate) fn commit(what: &str, sha: String) -> Result<Option<String>, HookError> {
    if !is_sha(&sha) {
        return Err(HookError::Malformed(format!("'{what}' is not a commit id")));
    }
    Ok(Some(sha).filter(|sha| sha.bytes().any(|digit| digit != b'0')))
}
