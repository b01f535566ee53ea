//! Which delivery it is.

use aqueduct_ports::forge::{Forge, HookError, HookRequest};
use sha2::{Digest, Sha256};

use crate::header;

/// Longest id: the forges send UUIDs.
const LONGEST: usize = 200;

/// The sender's id of a delivery. GitLab before 17.4 sends none that a repeat would share: there it is made of the body.
pub(crate) fn id(forge: Forge, request: &HookRequest<'_>) -> Result<String, HookError> {
    let names: &[&str] = match forge {
        Forge::GitHub => &["x-github-delivery"],
        Forge::Gitea => &["x-gitea-delivery", "x-forgejo-delivery"],
        Forge::GitLab => &["webhook-id", "idempotency-key"],
    };
    match header(request, names) {
        Some(id) if id.len() > LONGEST => Err(HookError::Malformed(format!(
            "the delivery's id has {} bytes, more than {LONGEST}",
            id.len()
        ))),
        Some(id) => Ok(id.to_owned()),
        None => Ok(format!(
            "sha256:{}",
            hex::encode(Sha256::digest(request.body))
        )),
    }
}
