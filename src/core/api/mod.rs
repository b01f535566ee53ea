//! Wire formats of the HTTP interfaces, as values: serde types and conversions, no connection.

pub mod runner;
