//! Branches and tags of a remote repository: its address, what it answered, what changed, and what that means.

mod answer;
mod compare;
#[cfg(test)]
mod compare_tests;
mod event;
mod remote;
mod slug;

pub use answer::{Answer, RemoteRef, is_sha};
pub use compare::{Comparison, Guards, HeldBack, KnownRef, RefChange, RefMove, compare};
pub use event::{RefEvent, split_ref};
pub use remote::{RemoteUrl, UrlError};
pub use slug::unique_slug;
