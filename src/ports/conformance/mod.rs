//! What every implementation of a port must do, as tests to call.
#![expect(
    clippy::missing_panics_doc,
    reason = "a case panics where the contract is broken: that is its purpose"
)]

pub mod executor;
pub mod objects;
pub mod store;
