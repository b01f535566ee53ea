//! The store against its contract, on real databases.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up must stop"
)]

mod archive;
mod history;
mod kill;
mod migrations;
mod postgres;
mod sqlite;
mod throughput;
