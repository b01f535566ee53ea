//! Working copies, artifacts and caches on the local disk.
//!
//! A [`Workspace`] belongs to one run on one machine. It takes one snapshot of the user's sources and gives every attempt
//! a copy of its own: an overlay mount on the snapshot where the process may mount, a full copy elsewhere. Neither the
//! user's tree nor its `.git` is ever a mounted layer or written to.
//!
//! Everything of a run lies in one directory, held by a lock for as long as the process lives, so that the next run
//! can sweep what a killed one left without ever touching a living one.
#![forbid(unsafe_code)]

mod artifacts;
mod cache;
mod checkouts;
mod copies;
mod error;
mod gitdir;
mod last;
mod listing;
mod mounts;
mod pack;
mod pattern;
mod places;
mod probe;
mod project;
mod quota;
mod run_dir;
mod select;
mod snapshot;
mod spare;
mod tree;
mod workspace;
#[cfg(test)]
mod workspace_tests;

pub use checkouts::{Checkouts, CheckoutsConfig};
pub use mounts::{PrivateMounts, enter_private_mounts};
pub use quota::Quota;
pub use workspace::{Isolation, Kept, Workspace, WorkspaceConfig};
