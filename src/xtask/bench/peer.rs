//! gitlab-ci-local and the Node it needs, from npm.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use aqueduct_testkit::{cache, command::run};

use crate::error::Result;

/// Pinned, since ratios are compared over time.
const PACKAGES: [&str; 2] = ["gitlab-ci-local@4.75.0", "node@24"];

/// The directory of its programs.
pub(crate) fn install() -> Result<PathBuf> {
    let dir = cache::once("gitlab-ci-local-4.75.0", |dir| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]);
        npm.arg(dir).args(PACKAGES);
        run(&mut npm, "npm").map(drop)
    })?;
    Ok(dir.join("node_modules/.bin"))
}

/// A call of gitlab-ci-local in a project.
pub(crate) fn gitlab_ci_local(project: &Path, arguments: &[&str]) -> Result<Command> {
    let bin = install()?;
    let mut command = Command::new(bin.join("gitlab-ci-local"));
    let inherited = env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{inherited}", bin.display()));
    command.current_dir(project).args(arguments);
    Ok(command)
}
