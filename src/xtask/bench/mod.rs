//! `cargo xtask bench plan | run | oci | coordinator`: Aqueduct beside its peers, in turn on the same machine.
//!
//! Ratios are what is promised (design section 12); the absolute times belong to the machine.

mod coordinator;
mod measure;
mod oci;
pub(crate) mod peer;
mod pipelines;
mod plan;
mod run;

use std::path::{Path, PathBuf};

use crate::{
    cargo,
    error::{Error, Result},
    setup::{self, Need},
    stage::{Count, Stages, say},
};

/// Measures with a given build of the program.
type Bench = fn(&Path) -> Result<Count>;

/// Runs one benchmark; `true` if every budget was met.
pub(crate) fn run(name: &str) -> Result<bool> {
    let (needs, bench): (&[Need], Bench) = match name {
        "plan" => (&Need::NODE, plan::run),
        "run" => (&Need::NODE, run::run),
        "oci" => (&Need::OCI, oci::run),
        "coordinator" => (&[], coordinator::run),
        _ => return Err(Error::Usage("benchmarks: plan, run, oci, coordinator")),
    };
    setup::announce(&format!("cargo xtask bench {name}"), needs)?;
    let mut stages = Stages::new();
    stages.run("set-up", || setup::prepare(needs));
    let aqueduct = release_build(&mut stages)?;
    stages.run(name, || bench(&aqueduct));
    Ok(stages.finish())
}

/// Builds the program as it is shipped; returns its path.
pub(crate) fn release_build(stages: &mut Stages) -> Result<PathBuf> {
    let mut built = false;
    stages.run("release build", || {
        built = cargo::run(&["build", "--release", "--bin", "aqueduct"])?;
        Ok(Count::one(built))
    });
    if !built {
        return Err(Error::Command("cargo build --release".into()));
    }
    Ok(cargo::target_directory()?.join("release/aqueduct"))
}

/// Prints a comparison and counts whether the peer took `budget` times as long.
fn compare(what: &str, ours: f64, peer: (&str, f64), budget: f64) -> Count {
    let ratio = peer.1 / ours;
    let held = ratio >= budget;
    let word = if held { "met" } else { "MISSED" };
    say(&format!(
        "   {what}: aqueduct {:.1} ms, {} {:.1} ms, ratio {ratio:.1} (budget {budget}: {word})",
        ours * 1000.0,
        peer.0,
        peer.1 * 1000.0,
    ));
    Count::one(held)
}

/// Prints an absolute budget of the issue and counts whether it held.
fn within(what: &str, value: f64, limit: f64, unit: &str) -> Count {
    let held = value <= limit;
    let word = if held { "met" } else { "MISSED" };
    say(&format!(
        "   {what}: {value:.1} {unit} (budget {limit} {unit}: {word})"
    ));
    Count::one(held)
}

/// Prints an absolute budget of what is to be reached and counts whether it was.
fn at_least(what: &str, value: f64, least: f64, unit: &str) -> Count {
    let held = value >= least;
    let word = if held { "met" } else { "MISSED" };
    say(&format!(
        "   {what}: {value:.0} {unit}(budget {least}: {word})"
    ));
    Count::one(held)
}
