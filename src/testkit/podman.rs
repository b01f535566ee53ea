//! podman as a foreign client: what a released image looks like to somebody else.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use aqueduct_core::platform::Platform;
use nix::mount::{MntFlags, umount2};
use tempfile::TempDir;

use crate::command::{At, Result, run};

/// podman with image storage of its own.
#[derive(Debug)]
pub struct Podman {
    store: PathBuf,
    /// podman takes no run directory whose path is longer than 50 characters, so this one is always a temporary one.
    temporary: TempDir,
}

impl Podman {
    /// With an empty storage, removed on drop.
    pub fn new() -> Result<Self> {
        let temporary = tempfile::tempdir().at(&std::env::temp_dir())?;
        Ok(Self {
            store: temporary.path().join("store"),
            temporary,
        })
    }

    /// With its storage in a directory of the caller's.
    pub fn in_dir(dir: &Path) -> Result<Self> {
        Ok(Self {
            store: dir.join("store"),
            temporary: tempfile::tempdir().at(&std::env::temp_dir())?,
        })
    }

    /// A podman command on this storage, with the flags that work without systemd.
    pub fn command(&self) -> Command {
        let mut command = Command::new("podman");
        command.arg("--root").arg(&self.store);
        command
            .arg("--runroot")
            .arg(self.temporary.path().join("run"));
        command.args(["--cgroup-manager=cgroupfs", "--runtime=runc"]);
        command
    }

    /// Pulls `image` for a platform, over plain HTTP if need be, and runs it without a network;
    /// returns what it printed.
    pub fn run(&self, platform: &Platform, image: &str, arguments: &[&str]) -> Result<String> {
        let mut pull = self.command();
        pull.args(["pull", "--quiet", "--tls-verify=false"]);
        // An index keeps its name for the platform pulled last: run what this pull gave.
        let pulled = pull.arg(format!("--platform={platform}")).arg(image);
        let id = String::from_utf8_lossy(&run(pulled, "podman")?.stdout).into_owned();
        let mut command = self.command();
        command.args(["run", "--rm", "--network=none"]);
        // podman's defaults are above what an unprivileged virtual machine may set.
        command.args(["--ulimit=nofile=4096:4096", "--ulimit=nproc=30000:30000"]);
        command.arg(id.trim()).args(arguments);
        let output = run(&mut command, "podman")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // podman mounts its storage on itself and leaves it so. The directories that this would keep from being removed
        // are the only harm of a failure.
        let _ = detach_below(&self.store);
        let _ = detach_below(self.temporary.path());
    }
}

/// Detaches every mount below a directory, the innermost first.
pub(crate) fn detach_below(dir: &Path) -> Result<()> {
    let table = Path::new("/proc/self/mounts");
    let text = fs::read_to_string(table).at(table)?;
    let points = text.lines().filter_map(|line| line.split(' ').nth(1));
    let below: Vec<&Path> = points
        .map(Path::new)
        .filter(|point| point.starts_with(dir))
        .collect();
    for point in below.into_iter().rev() {
        umount2(point, MntFlags::MNT_DETACH)
            .map_err(io::Error::from)
            .at(point)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aqueduct_core::platform::Arch;

    use super::*;
    use crate::{images, registry::Registry};

    #[test]
    fn runs_both_architectures_of_an_index() {
        let podman = Podman::new().unwrap();
        let registry = Registry::start().unwrap();
        let image = format!("{}/busybox:latest", registry.host());
        let layout = images::busybox_index().unwrap();
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "--all", "--quiet", "--dest-tls-verify=false"]);
        copy.arg(layout.reference(images::TAG));
        run(copy.arg(format!("docker://{image}")), "skopeo").unwrap();
        for arch in Arch::ALL {
            let platform = Platform::linux(arch);
            let printed = podman.run(&platform, &image, &["uname", "-m"]).unwrap();
            assert_eq!(printed.trim(), arch.uname());
        }
        let temporary = podman.temporary.path().to_owned();
        drop(podman);
        assert!(!temporary.exists());
    }
}
