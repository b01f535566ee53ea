//! Jobs in containers and on the machine, from the command line to what they leave.
//!
//! The suites of the executors look below the command line; these look at the whole program.

#![expect(
    clippy::expect_used,
    reason = "a test that can't set itself up fails there"
)]

mod support;

#[path = "containers/disk.rs"]
mod disk;
#[path = "containers/images.rs"]
mod images;
#[path = "containers/leftovers.rs"]
mod leftovers;
#[path = "containers/pipelines.rs"]
mod pipelines;
