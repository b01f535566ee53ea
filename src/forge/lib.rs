//! Webhooks of GitHub, GitLab, Gitea and Forgejo: whether they are signed, and what they say.
//!
//! Those are pure functions over headers and bytes. [`Forges`] speaks the other way: it tells a forge how a commit stands. Nothing of a body is read before its signature is found right, and names out of it
//! are data: they are handed on, never run, opened or asked for.
#![forbid(unsafe_code)]

mod delivery;
mod forges;
mod github;
mod gitlab;
mod refs;
mod signature;
mod statuses;

pub use forges::{Forges, Login};

use aqueduct_ports::forge::{Forge, Hook, HookError, HookRequest, Hooks};

/// Reads the webhooks of every [`Forge`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Webhooks;

impl Hooks for Webhooks {
    fn read(
        &self,
        forge: Forge,
        request: &HookRequest<'_>,
        secret: &str,
    ) -> Result<Hook, HookError> {
        signature::check(forge, request, secret)?;
        let event = match forge {
            Forge::GitHub => github::event(request, &["x-github-event"]),
            Forge::Gitea => github::event(request, &["x-gitea-event", "x-forgejo-event"]),
            Forge::GitLab => gitlab::event(request),
        }?;
        let delivery = delivery::id(forge, request)?;
        Ok(Hook { delivery, event })
    }
}

/// The first of these headers that is there and not empty.
fn header<'a>(request: &HookRequest<'a>, names: &[&str]) -> Option<&'a str> {
    let found = names.iter().find_map(|name| request.headers.get(*name));
    found
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
}

/// The body as JSON of this form; what else it holds is passed over.
fn json<'a, T: serde::Deserialize<'a>>(request: &HookRequest<'a>) -> Result<T, HookError> {
    let kind = header(request, &["content-type"]).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return Err(HookError::Malformed(
            "it is sent as a form; choose the content type application/json in the forge".into(),
        ));
    }
    serde_json::from_slice(request.body).map_err(|error| HookError::Malformed(error.to_string()))
}
