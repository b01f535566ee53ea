//! `cargo xtask chaos [SEED]`: 500 jobs and 50 kills, on SQLite and on PostgreSQL.

use std::process::Command;

use crate::{
    cargo,
    error::{At, Result},
    setup::{self, Need},
    stage::{Count, Stages},
};

/// Runs the command; a seed repeats the moments of an earlier run. `true` if everything held.
pub(crate) fn run(seed: Option<&str>) -> Result<bool> {
    setup::announce("cargo xtask chaos", &Need::CHAOS)?;
    let mut stages = Stages::new();
    stages.run("set-up", || setup::prepare(&Need::CHAOS));
    stages.run("chaos", || {
        let mut command = Command::new(cargo::program());
        command.current_dir(cargo::root());
        command.args(["test", "--package", "aqueduct", "--test", "chaos", "--"]);
        command.args(["full_size", "--ignored", "--nocapture", "--test-threads=1"]);
        command.envs(seed.map(|seed| ("AQUEDUCT_CHAOS_SEED", seed)));
        let status = command.status().at(cargo::root())?;
        Ok(Count::one(status.success()))
    });
    Ok(stages.finish())
}
