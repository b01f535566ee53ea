//! What GitHub says, and Gitea and Forgejo after it: the event is named by a header, bodies have the same form.

use aqueduct_core::refs::RefEvent;
use aqueduct_ports::forge::{HookError, HookEvent, HookRequest};
use serde::Deserialize;

use crate::{
    header, json,
    refs::{Push, commit},
};

/// A branch or tag that came or went.
#[derive(Debug, Deserialize)]
struct Named {
    /// Short name; full in some versions.
    #[serde(rename = "ref")]
    name: String,
    ref_type: String,
    /// Gitea's, of a new one.
    sha: Option<String>,
}

/// The event that one of these headers names.
pub(crate) fn event(request: &HookRequest<'_>, names: &[&str]) -> Result<HookEvent, HookError> {
    let Some(name) = header(request, names) else {
        return Err(HookError::Malformed(format!(
            "the header {} is missing",
            names[0]
        )));
    };
    match name {
        "ping" => Ok(HookEvent::Ping),
        "push" => json::<Push>(request)?.event(),
        "create" => json::<Named>(request)?.event(true),
        "delete" => json::<Named>(request)?.event(false),
        "fork" => Ok(HookEvent::Unsupported("forks")),
        // With their reviews, comments and labels.
        _ if name.starts_with("pull_request") => Ok(HookEvent::Unsupported("pull requests")),
        _ => Ok(HookEvent::Other(name.to_owned())),
    }
}

impl Named {
    fn event(self, created: bool) -> Result<HookEvent, HookError> {
        let folder = match self.ref_type.as_str() {
            "branch" => "refs/heads/",
            "tag" => "refs/tags/",
            // GitHub's for a repository that was made.
            other => return Ok(HookEvent::Other(format!("a {other} was made or deleted"))),
        };
        let short = self.name.strip_prefix(folder).unwrap_or(&self.name);
        if short.is_empty() {
            return Err(HookError::Malformed("'ref' is empty".into()));
        }
        let sha = self.sha.filter(|sha| !sha.is_empty() && created);
        Ok(HookEvent::Ref(RefEvent {
            name: format!("{folder}{short}"),
            before: None,
            after: sha.map_or(Ok(None), |sha| commit("sha", sha))?,
            initial: false,
        }))
    }
}
