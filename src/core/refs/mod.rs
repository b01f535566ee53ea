//! Branches and tags of a remote repository: its address, and what it answered when it was asked.

mod answer;
mod remote;

pub use answer::{Answer, RemoteRef, is_sha};
pub use remote::{RemoteUrl, UrlError};
