//! The GitLab Runner HTTP API: what both sides send each other, and how it maps onto plans and verdicts.
//!
//! Types serialise with exactly the JSON types that a stock runner's strict decoder wants (runner-protocol 3.5), and read
//! whatever a server or a runner sends: unknown keys are skipped, a missing key and `null` are the same as empty. What
//! Aqueduct's own two sides add stands below one key, `aqueduct`; without it the plain protocol holds.

pub mod artifact;
pub mod decode;
pub mod encode;
pub mod http;
pub mod info;
pub mod lifecycle;
pub mod payload;
pub mod range;
pub mod reason;
pub mod request;
pub mod secret;
pub mod update;
mod wire;

#[cfg(test)]
mod tests;

pub use info::{Features, Info};
pub use payload::Payload;
pub use request::{JobRequest, Session};
pub use secret::Secret;
pub use update::{JobState, JobUpdate, Output};

/// Version of the `aqueduct` keys that this code writes. A reader takes any: keys are only ever added.
pub const EXTENSION_VERSION: u32 = 1;
