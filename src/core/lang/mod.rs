//! The pipeline language: GitLab CI/CD YAML and the job keywords `arch`, `index` and `publish`.
//!
//! Three steps, each pure: `compose` joins files to one tree, [`keywords`] makes a typed [`model`] of it, and evaluation
//! makes a plan of the model for one [`context`]. [`lint`] and [`compile`] are the ways in.

pub mod build;
mod codes;
mod compile;
#[cfg(test)]
mod compile_tests;
mod compose;
mod conditions;
pub mod context;
pub mod duration;
pub mod expr;
pub mod glob;
mod graph;
mod instances;
mod keys;
pub mod keywords;
pub mod logic;
pub mod model;
mod predefined;
pub mod slug;
mod supply;
mod templates;
#[cfg(test)]
mod testing;
pub mod variables;

pub use compile::{Compilation, CompileRequest, Compiled, Linted, compile, lint};
pub use compose::{SourceRequest, Sources};
pub use supply::{ENTRIES, Found, LONGEST_FILE, supply};
pub use templates::template;
