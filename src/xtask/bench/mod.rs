//! `cargo xtask bench plan | run | oci | coordinator [PART…]`: Aqueduct beside its peers, in turn on the same machine.
//!
//! Ratios are what is promised (design section 12); the absolute times belong to the machine.

mod coordinator;
mod measure;
mod oci;
pub(crate) mod peer;
mod pipelines;
mod plan;
mod run;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cargo,
    error::{At as _, Error, Result},
    setup::{self, Need},
    stage::{Count, Stages, say},
};

/// Measures with a given build of the program.
type Bench = fn(&Path) -> Result<Count>;

/// Runs one benchmark, or those parts of the coordinator's; `true` if every budget was met.
pub(crate) fn run(name: &str, parts: &[&str]) -> Result<bool> {
    if name == "coordinator" {
        return coordinator(parts);
    }
    let (needs, bench): (&[Need], Bench) = match name {
        _ if !parts.is_empty() => {
            return Err(Error::Usage("only the coordinator's bench has parts"));
        }
        "plan" => (&Need::NODE, plan::run),
        "run" => (&Need::NODE, run::run),
        "oci" => (&Need::OCI, oci::run),
        _ => return Err(Error::Usage("benchmarks: plan, run, oci, coordinator")),
    };
    staged(name, needs, |stages, aqueduct| {
        stages.run(name, || bench(aqueduct));
    })
}

/// The load generator shares the processors with what it measures, so that it is built like it and runs as a program of its own.
fn coordinator(parts: &[&str]) -> Result<bool> {
    let needs = coordinator::needs(&coordinator::parts(parts)?);
    staged("coordinator", &needs, |stages, aqueduct| {
        stages.run("load generator", || {
            let build = ["build", "--release", "--package", "aqueduct-xtask"];
            Ok(Count::one(cargo::run(&build)?))
        });
        stages.run("coordinator", || {
            let generator = aqueduct.with_file_name("aqueduct-xtask");
            let mut command = Command::new(&generator);
            let status = command.arg("bench-coordinator").args(parts).status();
            Ok(Count::one(status.at(generator)?.success()))
        });
    })
}

/// Measures the coordinator that was built beside this program.
pub(crate) fn load(parts: &[&str]) -> Result<bool> {
    let own = env::current_exe().at("this program")?;
    let mut stages = Stages::new();
    let parts = coordinator::parts(parts)?;
    coordinator::run(&parts, &own.with_file_name("aqueduct"), &mut stages);
    Ok(stages.finish())
}

/// After the set-up and with a release build.
fn staged(name: &str, needs: &[Need], bench: impl FnOnce(&mut Stages, &Path)) -> Result<bool> {
    setup::announce(&format!("cargo xtask bench {name}"), needs)?;
    let mut stages = Stages::new();
    stages.run("set-up", || setup::prepare(needs));
    let aqueduct = release_build(&mut stages)?;
    bench(&mut stages, &aqueduct);
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
