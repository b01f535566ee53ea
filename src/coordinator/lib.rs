//! The coordinator's surfaces over HTTP: the GitLab Runner API for runners, git's smart HTTP for their clones, an API of
//! our own for people.
//!
//! What a request means is decided in [`aqueduct_engine::fleet`]; here it is read, checked, and answered. Deliberately absent: SQL,
//! the git program, executors. All of that is handed in.
#![forbid(unsafe_code)]

mod app;
mod background;
mod config;
mod http;
mod metrics;
mod serve;

pub use app::{App, AppPorts};
pub use background::{Background, background, restore_sources};
pub use config::Config;
pub use http::router;
pub use serve::serve;
