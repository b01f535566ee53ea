//! A coordinator and a runner as two processes: pushes are noticed, jobs run, and nobody's death costs a job or a byte of a log.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that can't go on must stop, and say what both processes said"
)]

#[path = "coordinator/containers.rs"]
mod containers;
#[path = "coordinator/foreign.rs"]
mod foreign;
#[path = "coordinator/gitea.rs"]
mod gitea;
#[path = "coordinator/kills.rs"]
mod kills;
#[path = "coordinator/pages.rs"]
mod pages;
#[path = "coordinator/releases.rs"]
mod releases;
#[path = "coordinator/rig.rs"]
mod rig;
#[path = "coordinator/session.rs"]
mod session;
#[path = "coordinator/story.rs"]
mod story;
