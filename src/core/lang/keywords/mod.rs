//! From a composed tree to the typed model: the shape, the values and the limits of every keyword.
//!
//! Reading goes on behind every mistake, so that a file's mistakes are told together. Nothing here knows the context, and
//! nothing compares jobs with one another. A keyword that changes what executes and that this version can't execute is
//! checked like any other and noted in its job's `unsupported`.

mod artifacts;
mod cache;
mod codes;
mod condition;
mod default;
mod deliver;
mod environment;
mod field;
mod filter;
mod ignored;
mod image;
mod inherit;
mod job;
mod kind;
mod list;
mod needs;
mod parallel;
mod release;
mod rules;
mod scalar;
mod schedule;
mod script;
mod secrets;
mod sink;
mod stages;
mod steps;
#[cfg(test)]
mod tests;
mod top;
mod trigger;
mod variables;
mod workflow;

use super::model::Pipeline;
use crate::{diag::Diagnostics, yaml::Node};

/// Reads the composed file. The model is whole where no error was reported; otherwise it holds what could be read.
pub fn parse(root: &Node, diagnostics: &mut Diagnostics) -> Pipeline {
    top::pipeline(root, &mut sink::Sink::new(diagnostics))
}
