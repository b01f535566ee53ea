//! What the coordinator remembers: [`Database`] is `aqueduct_ports::store::Store` over SQLite or PostgreSQL.
//!
//! - `db` holds what the two databases differ in: how they are opened, brought up to date and written to. Above it there is one face.
//! - `sql` holds the statements, one text for both.
//! - `rows` holds the aggregates: which statements make up a change, and what a row becomes.
//! - `objects` holds large bytes beside the database: [`ObjectDirectory`] is `aqueduct_ports::store::Objects`.
#![forbid(unsafe_code)]

mod db;
mod objects;
mod rows;
mod sql;

pub use db::{Database, OpenError};
pub use objects::ObjectDirectory;
