//! A coordinator and a runner as two processes: pushes are noticed, jobs run, and nobody's death costs a job or a byte of a log.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must stop")]

#[path = "coordinator/kills.rs"]
mod kills;
#[path = "coordinator/rig.rs"]
mod rig;
#[path = "coordinator/story.rs"]
mod story;
