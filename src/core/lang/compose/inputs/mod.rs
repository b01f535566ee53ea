//! `spec:inputs` and the blocks `$[[ inputs.x ]]` that use them (pipeline-yaml section 5).

mod bind;
mod function;
mod interpolate;
mod mask;
mod spec;
mod value;

pub(super) use bind::{Given, from_texts};
pub(super) use interpolate::interpolate;
pub(super) use mask::{Blocks, mask};
pub(super) use spec::is_name;

use super::variables::Variables;
use crate::{diag::Diagnostics, yaml::Node};

/// The inputs of one use of a file with this header; wrong declarations and values are told.
pub(super) fn resolve(
    header: &Node,
    given: &Given,
    variables: &Variables,
    diagnostics: &mut Diagnostics,
) -> bind::Bound {
    let specs = spec::parse(header, diagnostics);
    bind::bind(&specs, given, variables, diagnostics)
}
