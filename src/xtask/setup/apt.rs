//! Debian packages.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use aqueduct_testkit::command::run;

use crate::error::{At, Error, Result};

/// What the tests, the examples and the benchmarks start, and what those programs need.
pub(crate) const PACKAGES: [&str; 19] = [
    "apache2-utils",
    // How mmdebstrap sees that programs of the other architecture run.
    "arch-test",
    "ca-certificates",
    "chromium",
    "curl",
    "debian-archive-keyring",
    "docker-registry",
    "git",
    "mmdebstrap",
    "mount",
    "podman",
    "postgresql",
    "procps",
    "python3-venv",
    "qemu-user-static",
    "runc",
    "skopeo",
    "tmux",
    "zstd",
];

/// A service manager asks this file whether a new package may start its services. The tests start
/// docker-registry and PostgreSQL themselves and want none on the machine's own ports.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Those of the packages that are not installed.
pub(crate) fn missing<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"]);
    // It fails if one package is unknown, and still prints the others.
    let output = query
        .args(packages)
        .stderr(Stdio::null())
        .output()
        .map_err(|_| {
            Error::Unexpected("dpkg-query is not there: this set-up knows Debian only".into())
        })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(not_installed(packages, &text))
}

fn not_installed<'a>(packages: &[&'a str], status: &str) -> Vec<&'a str> {
    let installed = |package: &str| {
        let line = format!("{package} installed");
        status.lines().any(|found| found == line)
    };
    let absent = packages.iter().filter(|name| !installed(name));
    absent.copied().collect()
}

/// Whether a program is there, wherever it came from.
pub(crate) fn has_program(name: &str) -> bool {
    let version = Command::new(name).arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Installs the missing ones.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let missing = missing(packages)?;
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!(
        "apt-get install -y --no-install-recommends {}",
        missing.join(" ")
    );
    if !nix::unistd::geteuid().is_root() {
        let what = "installing packages".into();
        return Err(Error::Root { what, command });
    }
    let _no_services = NoServices::begin()?;
    apt(&["update", "-qq"])?;
    let arguments = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&[&arguments[..], &missing].concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    Ok(run(&mut command, "apt").map(drop)?)
}

/// Keeps services from being started until dropped.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self> {
        let path = Path::new(POLICY);
        if path.exists() {
            return Ok(Self { ours: false });
        }
        fs::write(path, "#!/bin/sh\nexit 101\n").at(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).at(path)?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            // A file left behind would be told by the next service that does not start.
            let _ = fs::remove_file(POLICY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_installed_is_missing() {
        let all = PACKAGES.map(|name| format!("{name} installed\n")).concat();
        assert!(not_installed(&PACKAGES, &all).is_empty());
        let some = all.replace("tmux installed", "tmux config-files");
        assert_eq!(not_installed(&PACKAGES, &some), ["tmux"]);
    }
}
