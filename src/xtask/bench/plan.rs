//! Compiling a pipeline of 1,000 jobs.

use std::path::Path;

use super::{
    compare,
    measure::{in_turn, seconds},
    peer::gitlab_ci_local,
    pipelines::{large, project},
};
use crate::{error::Result, stage::Count};

const JOBS: usize = 1000;
const ROUNDS: usize = 5;
const BUDGET: f64 = 100.0;

/// Runs the benchmark.
pub(crate) fn run(aqueduct: &Path) -> Result<Count> {
    let project = project(aqueduct, &large(JOBS))?;
    let (ours, peer) = in_turn(
        ROUNDS,
        || seconds(&mut project.command(&["plan", "--json"])),
        || seconds(&mut gitlab_ci_local(project.path(), &["--list-json"])?),
    )?;
    Ok(compare(
        "compile 1,000 jobs",
        ours,
        ("gitlab-ci-local", peer),
        BUDGET,
    ))
}
