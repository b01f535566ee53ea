//! Executors: a job as a process of this machine ([`host`]) or in a container without a daemon ([`oci`]).
//!
//! Both keep what they make under one directory per process, guarded by a lock, so that whatever a killed process left
//! is found and removed by [`sweep`] of the next one. Neither knows working copies, artifacts or caches: a job
//! arrives as a [`JobSpec`](aqueduct_ports::executor::JobSpec) with its directories made.
#![deny(unsafe_op_in_unsafe_fn)]

mod attempt;
pub mod child;
pub mod host;
mod journal;
pub mod oci;
mod phases;
mod process;
mod records;
mod run_dir;
mod stop;
mod supervise;
mod sweep;

pub use sweep::{Swept, sweep};
