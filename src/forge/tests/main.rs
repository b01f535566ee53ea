//! Webhooks as they come: signatures with published vectors, bodies made by hand after the forges' documentation.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must stop")]

mod events;
mod garbage;
mod signatures;
mod statuses;

use std::collections::BTreeMap;

use aqueduct_core::time::Timestamp;
use aqueduct_forge::Webhooks;
use aqueduct_ports::forge::{Forge, Hook, HookError, HookRequest, Hooks};

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs.iter();
    owned
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(
    forge: Forge,
    pairs: &[(&str, &str)],
    body: &[u8],
    secret: &str,
) -> Result<Hook, HookError> {
    let request = HookRequest {
        headers: &headers(pairs),
        body,
        received: Timestamp(0),
    };
    Webhooks.read(forge, &request, secret)
}
