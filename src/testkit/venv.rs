//! Virtual environments of Python in the cache.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache,
    command::{Error, Result, run},
};

/// An environment with these packages, made once. `name` must carry their versions.
pub(crate) fn with(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let python = debian_python();
    let tag = python_version(&python)?;
    cache::once(&format!("{name}-py{tag}"), |dir| {
        let mut create = Command::new(&python);
        create.args(["-m", "venv"]).arg(dir);
        run(&mut create, "python3-venv")?;
        let mut pip = Command::new(dir.join("bin/pip"));
        pip.args(["install", "--quiet"]).args(packages);
        run(&mut pip, "python3-venv").map(drop)
    })
}

/// Debian's interpreter before one that happens to come first in `PATH`: its `venv` is installed.
pub(crate) fn debian_python() -> PathBuf {
    let debian = PathBuf::from("/usr/bin/python3");
    if debian.exists() {
        debian
    } else {
        "python3".into()
    }
}

fn python_version(python: &Path) -> Result<String> {
    let mut command = Command::new(python);
    command.args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
    let output = run(&mut command, "python3-venv")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if version.is_empty() {
        return Err(Error::NotReady {
            peer: python.display().to_string(),
            log: "it does not print its version".into(),
        });
    }
    Ok(version)
}
