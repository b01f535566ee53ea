//! Both executors against the conformance suite and against their own promises.
#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod foreign;
mod host;
mod images;
mod leftovers;
mod oci;
mod support;
