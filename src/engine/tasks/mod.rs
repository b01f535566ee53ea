//! What a coordinator does by itself: reconcilers that take no input.
//!
//! Each is woken by a timer or a hint, reads the truth and acts on it; what a kill interrupts, the next round does again. A hint
//! that is lost costs time, never a pipeline.

mod backoff;
pub mod environments;
pub mod heads;
mod hints;
pub mod ingest;
mod reconcilers;
pub mod sources;
pub mod statuses;
#[cfg(test)]
mod task_tests;

use std::{collections::BTreeSet, sync::Arc};

use aqueduct_ports::store::Project;

pub use hints::{Hints, Wake};
pub use reconcilers::{Loop, Reconcilers};

/// Tells the full names of a project's protected refs. The default branch is protected anyway.
pub type ProtectedRefs = Arc<dyn Fn(&Project) -> BTreeSet<String> + Send + Sync>;

/// No ref but the default branch is protected.
pub fn default_branch_only() -> ProtectedRefs {
    Arc::new(|_| BTreeSet::new())
}
