//! The runner: leases jobs from a source of work and works them off.
//!
//! It knows neither the engine nor any executor, registry or disk layout: all of that comes in through
//! [`RunnerConfig`]. [`run`] is the loop; a job's own procedure is in `job`, one step a module.
#![forbid(unsafe_code)]

mod attempt;
mod config;
mod job;
mod keeper;
mod pool;
#[cfg(test)]
mod procedure_tests;
mod report;
mod seats;
mod shell;
mod trace;

pub use config::{ExecutorSlot, RunnerConfig, Shutdown};
pub use pool::run;
