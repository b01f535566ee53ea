//! Aqueduct's pure core: the pipeline language, the plan, the state machines and the publishers' rules.
//!
//! Nothing in here does I/O. There is no async runtime, no file, no socket, no clock, no environment
//! and no randomness: whatever depends on the outside arrives as an argument, which is why the same
//! inputs give the same plan on a laptop and in the coordinator.
#![forbid(unsafe_code)]

pub mod allow;
pub mod api;
pub mod diag;
pub mod dotenv;
pub mod elf;
mod hash;
pub mod id;
pub mod image;
pub mod lang;
pub mod mask;
pub mod object;
pub mod package;
pub mod plan;
pub mod platform;
pub mod refs;
pub mod release;
pub mod run;
pub mod sched;
pub mod time;
pub mod token;
pub mod verdict;
pub mod yaml;
