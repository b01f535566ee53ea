//! The traits at the seams: what an executor, a source of work, a release backend and a store promise.
//!
//! Contracts stand in the docs of each trait; the conformance suites under [`conformance`] hold
//! every implementation to them. No implementation lives here.
#![forbid(unsafe_code)]

pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod executor;
pub mod forge;
pub mod git;
pub mod random;
pub mod release;
pub mod store;
pub mod work;
pub mod workspace;
