//! Runners of other makes: independent clients of the Runner API.

use std::{env, path::PathBuf, process::Command};

use sha2::{Digest as _, Sha256};

use crate::{
    cache,
    command::{Result, run},
    venv,
};

/// The last release, and of what it stands on the last that it can import.
const PYTHON: [&str; 2] = ["gitlab-python-runner==14.3.20", "gitlab-emulator==1.1.9"];

/// The sources of the runner on Collabora's crate.
const CRATE_SOURCES: [&str; 3] = [
    include_str!("../../tests/peers/gitlab-runner/Cargo.toml"),
    include_str!("../../tests/peers/gitlab-runner/Cargo.lock"),
    include_str!("../../tests/peers/gitlab-runner/src/main.rs"),
];

/// The interpreter whose module `GitlabPyRunner` is the PyPI package `gitlab-python-runner`.
pub fn python() -> Result<PathBuf> {
    let environment = venv::with("gitlab-python-runner-14.3.20-emulator-1.1.9", &PYTHON)?;
    Ok(environment.join("bin/python"))
}

/// The program of `tests/peers/gitlab-runner`: the crate `gitlab-runner` with a shell.
pub fn of_crate() -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for text in CRATE_SOURCES {
        hash.update(text);
    }
    let name = format!("crate-runner-{}", &hex::encode(hash.finalize())[..12]);
    let built = cache::once(&name, |dir| {
        let root = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/peers/gitlab-runner"
        );
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--locked", "--quiet", "--target-dir"]);
        cargo.arg(dir).current_dir(root);
        // What the build that this runs in has set is not meant for this one.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_") && text != "CARGO_HOME" || text == "RUSTFLAGS" {
                cargo.env_remove(&name);
            }
        }
        run(&mut cargo, "cargo").map(drop)
    })?;
    Ok(built.join("debug/crate-runner"))
}
