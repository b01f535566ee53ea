//! The Git repository around a pipeline file: what is checked out, and what is in it.

mod info;
mod tree;
mod user;

pub(crate) use info::{CommitInfo, RepoInfo};
pub(crate) use tree::{SourceTree, read_bounded};
pub(crate) use user::User;
