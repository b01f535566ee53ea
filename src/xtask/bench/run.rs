//! Sixty jobs of one line each on the host, and the cost of the program itself.

use std::path::Path;

use super::{
    compare,
    measure::{in_turn, median, peak_megabytes, seconds},
    peer::gitlab_ci_local,
    pipelines::{one_liners, project},
    within,
};
use crate::{error::Result, stage::Count};

const JOBS: usize = 60;
const ROUNDS: usize = 5;
const BUDGET: f64 = 10.0;
const VERSION_ROUNDS: usize = 30;
const VERSION_BUDGET_MS: f64 = 10.0;
const MEMORY_BUDGET_MB: f64 = 60.0;

/// Runs the benchmark.
pub(crate) fn run(aqueduct: &Path) -> Result<Count> {
    let project = project(aqueduct, &one_liners(JOBS))?;
    let (ours, peer) = in_turn(
        ROUNDS,
        || seconds(&mut project.command(&["run"])),
        || seconds(&mut gitlab_ci_local(project.path(), &[])?),
    )?;
    let jobs = compare(
        "60 one-line host jobs",
        ours,
        ("gitlab-ci-local", peer),
        BUDGET,
    );

    let memory = peak_megabytes(&mut project.command(&["run"]))?;
    let memory = within(
        "resident memory of that run",
        memory,
        MEMORY_BUDGET_MB,
        "MB",
    );

    let version = || seconds(&mut project.command(&["--version"]));
    let mut times = (0..VERSION_ROUNDS)
        .map(|_| version())
        .collect::<Result<Vec<_>>>()?;
    let version = median(&mut times) * 1000.0;
    let version = within("aqueduct --version", version, VERSION_BUDGET_MS, "ms");
    Ok(jobs.plus(memory).plus(version))
}
