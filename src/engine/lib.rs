//! The engine: runs one pipeline of a compiled plan and hands its jobs to runners.
//!
//! [`pipeline::Pipeline`] is the deterministic part: the state machine of the core with its queue, leases, resource
//! groups, traces and outbox, all of it a value that can be stored after every call. [`Engine`] wraps it for a run in one
//! process: it is the [`aqueduct_ports::work::WorkSource`] of the runner loop, it wakes those that wait, and tells
//! what happens as [`RunEvent`]s.
//!
//! Deliberately absent: files, sockets, SQL, HTTP, a clock of its own, and every executor.
#![forbid(unsafe_code)]

pub mod archive;
mod engine;
#[cfg(test)]
mod engine_tests;
mod event;
pub mod fleet;
mod options;
pub mod pipeline;
mod select;
mod shared;
#[cfg(test)]
mod sim;
mod snapshot;
pub mod tasks;
mod variables;

pub use engine::Engine;
pub use event::{JobHead, RunEvent, RunEvents, TimedEvent};
pub use options::{EngineError, RunOptions, Secrets, UnsupportedJob};
pub use snapshot::{JobSnapshot, Snapshot, Waiting};
