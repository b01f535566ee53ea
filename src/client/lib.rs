//! The runner's side of the GitLab Runner HTTP API.
//!
//! [`HttpWorkSource`] is the port of `ports::work` over it: it asks for jobs, keeps their leases, sends their traces by
//! offset and their ends; [`RemoteArtifacts`] is that of the artifact store. It works against any server of that API; what ours adds stands below one key and is used where it
//! is there. It knows neither executors nor the disk.
#![forbid(unsafe_code)]

mod api;
mod artifacts;
mod assignment;
#[cfg(test)]
mod client_tests;
mod error;
mod lifecycle;
mod retry;
mod source;

pub use api::{Api, ApiOptions, certificates};
pub use artifacts::RemoteArtifacts;
pub use error::ClientError;
pub use lifecycle::Registration;
pub use source::{HttpWorkSource, Identity};
