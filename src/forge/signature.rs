//! Whether a webhook comes from who knows the project's secret.
//!
//! GitHub, Gitea and Forgejo send an HMAC-SHA256 of the body in hexadecimal. GitLab sends the secret itself, and newer ones on demand
//! a signature as in the Standard Webhooks specification: over id, time and body, good for minutes.

use aqueduct_core::time::Timestamp;
use aqueduct_ports::forge::{Forge, HookError, HookRequest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::header;

/// How old, or how far ahead, a signature with a time may be, in milliseconds: what the specification's own libraries take.
const TOLERANCE: i64 = 5 * 60 * 1000;

/// Fails unless the request is signed with the secret.
pub(crate) fn check(
    forge: Forge,
    request: &HookRequest<'_>,
    secret: &str,
) -> Result<(), HookError> {
    // An empty key would make everybody's signature right.
    if secret.is_empty() {
        return Err(HookError::Forged("the project has no secret".into()));
    }
    match forge {
        Forge::GitHub => hexadecimal(request, secret, &["x-hub-signature-256"]),
        Forge::Gitea => {
            let names = [
                "x-gitea-signature",
                "x-forgejo-signature",
                "x-hub-signature-256",
            ];
            hexadecimal(request, secret, &names)
        }
        // One that is there must be right: the token doesn't make up for it.
        Forge::GitLab if request.headers.contains_key("webhook-signature") => {
            standard(request, secret)
        }
        Forge::GitLab => token(request, secret),
    }
}

fn hexadecimal(request: &HookRequest<'_>, secret: &str, names: &[&str]) -> Result<(), HookError> {
    let given = header(request, names).ok_or_else(|| unsigned(names))?;
    // `sha256=` is GitHub's; Gitea's own header goes without.
    let digits = given.strip_prefix("sha256=").unwrap_or(given);
    let given = hex::decode(digits).map_err(|_| forged("it is not hexadecimal"))?;
    verify(secret.as_bytes(), &[request.body], &given)
}

fn token(request: &HookRequest<'_>, secret: &str) -> Result<(), HookError> {
    let names = ["x-gitlab-token", "webhook-signature"];
    let given = header(request, &names[..1]).ok_or_else(|| unsigned(&names))?;
    // Over hashes, so that the time doesn't tell the secret's length either.
    let same = Sha256::digest(given).ct_eq(&Sha256::digest(secret));
    if same.into() {
        Ok(())
    } else {
        Err(forged("the token is not the project's secret"))
    }
}

/// Standard Webhooks: `v1,BASE64`, several of them apart by spaces while a secret is being changed.
fn standard(request: &HookRequest<'_>, secret: &str) -> Result<(), HookError> {
    let part = |name: &str| header(request, &[name]).ok_or_else(|| unsigned(&[name]));
    let (id, time) = (part("webhook-id")?, part("webhook-timestamp")?);
    in_time(time, request.received)?;
    let encoded = secret.strip_prefix("whsec_");
    let decoded = encoded.and_then(|text| STANDARD.decode(text).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", request.body];
    let given = part("webhook-signature")?;
    let ours = given
        .split_whitespace()
        .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    for one in ours.take(8) {
        if verify(&key, &signed, &one).is_ok() {
            return Ok(());
        }
    }
    Err(forged(NOT_THE_SECRET))
}

fn in_time(seconds: &str, now: Timestamp) -> Result<(), HookError> {
    let at: Option<i64> = seconds.parse().ok();
    let at = at.and_then(|seconds| seconds.checked_mul(1000));
    let near = at.is_some_and(|at| at.abs_diff(now.0) <= TOLERANCE.unsigned_abs());
    if near {
        Ok(())
    } else {
        Err(forged(
            "its time is more than five minutes away from this clock's",
        ))
    }
}

const NOT_THE_SECRET: &str =
    "it was not made with the project's secret; compare the secret in the forge's settings";

fn verify(key: &[u8], parts: &[&[u8]], given: &[u8]) -> Result<(), HookError> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Err(forged("the project's secret is no key"));
    };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(given).map_err(|_| forged(NOT_THE_SECRET))
}

fn unsigned(names: &[&str]) -> HookError {
    HookError::Unsigned(format!(
        "the header {} is missing; enter the project's secret in the forge",
        names.join(" or ")
    ))
}

fn forged(why: &str) -> HookError {
    HookError::Forged(why.to_owned())
}
