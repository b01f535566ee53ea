//! YAML as GitLab's Ruby parser (Psych, YAML 1.1 scalars) understands it, as a tree that keeps its places.
//!
//! Reading never fails and never panics: it returns what it understood and all it has to complain about.
//! Nothing here knows what a pipeline is.

mod explain;
mod mapping;
mod node;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

pub use mapping::{Entry, Mapping};
pub use node::{Node, Style, Value};
pub use read::{Limits, Read, decode, read, too_large};
pub use scalar::{float_text, resolve_plain};
