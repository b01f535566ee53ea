//! Mirrors of repositories: `ports::git` through the `git` program, and local reading through libgit2.
//!
//! Whatever talks to a remote, changes a mirror or serves it is a child process with an environment of its own, a
//! deadline and a bounded output; [`history`] reads what lies on this disk, in this process, for the coordinator and the
//! command line alike.
//!
//! Deliberately absent: HTTP, the store, and any knowledge of pipelines beyond their numbers.
#![forbid(unsafe_code)]

mod change;
mod children;
mod command;
mod fault;
#[cfg(test)]
mod git_tests;
pub mod history;
mod listing;
mod mirrors;
mod options;
mod place;
mod refs;
mod repair;
mod serve;

pub use mirrors::GitMirrors;
pub use options::{Logins, Options};
