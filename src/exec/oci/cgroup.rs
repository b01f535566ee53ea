//! Reading and removing the cgroups that libcontainer made, on v1, v2 and hybrids.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// File in an attempt's directory: the name of each of its cgroups, one a line.
pub(crate) const RECORD: &str = "cgroups";

/// What a container used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Bytes at the most.
    pub(crate) peak: Option<u64>,
    /// The kernel killed a process in it.
    pub(crate) out_of_memory: bool,
}

/// Whether the machine has the unified hierarchy alone.
pub(crate) fn is_unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// The directories of the cgroup `name` in every hierarchy that has it.
pub(crate) fn directories(name: &str) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mount_points(&mounts)
        .map(|mount| mount.join(name))
        .filter(|dir| dir.exists())
        .collect()
}

/// Where cgroup hierarchies are mounted (proc(5), `mountinfo`: the type follows a lone hyphen).
fn mount_points(mountinfo: &str) -> impl Iterator<Item = PathBuf> {
    mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let kind = after.split(' ').next()?;
        let point = before.split(' ').nth(4)?;
        (kind == "cgroup" || kind == "cgroup2").then(|| PathBuf::from(point))
    })
}

/// Reads memory use; call it before the cgroup is removed.
pub(crate) fn memory(directories: &[PathBuf]) -> Memory {
    let mut memory = Memory::default();
    for dir in directories {
        let number = |file: &str| -> Option<u64> {
            fs::read_to_string(dir.join(file)).ok()?.trim().parse().ok()
        };
        let peak = number("memory.peak").or_else(|| number("memory.max_usage_in_bytes"));
        memory.peak = memory.peak.max(peak);
        memory.out_of_memory |= ["memory.events", "memory.oom_control"]
            .iter()
            .filter_map(|file| fs::read_to_string(dir.join(file)).ok())
            .any(|text| killed(&text));
    }
    memory
}

fn killed(text: &str) -> bool {
    text.lines()
        .filter_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok())
        .any(|count| count > 0)
}

/// Kills what is in it and removes it. Returns how many processes that were.
pub(crate) fn remove(name: &str) -> io::Result<usize> {
    let mut killed = 0;
    for dir in directories(name) {
        killed += remove_directory(&dir)?;
    }
    Ok(killed)
}

/// A cgroup is busy for a moment after its last process; after two seconds somebody else keeps it so.
fn remove_directory(dir: &Path) -> io::Result<usize> {
    let mut killed = 0;
    for round in 0_u32.. {
        match fs::remove_dir(dir) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) if round > 200 => return Err(error),
            Err(_) => {
                killed += kill_all(dir);
                thread::sleep(Duration::from_micros(u64::from(round.min(20)) * 500));
            }
        }
    }
    Ok(killed)
}

fn kill_all(dir: &Path) -> usize {
    fs::read_to_string(dir.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .filter(|pid| *pid > 0 && kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_found_in_mountinfo() {
        let text = "24 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                    25 24 0:23 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory\n\
                    26 24 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let points: Vec<_> = mount_points(text).collect();
        assert_eq!(
            points,
            [
                PathBuf::from("/sys/fs/cgroup/memory"),
                PathBuf::from("/sys/fs/cgroup/unified")
            ]
        );
    }

    #[test]
    fn kills_are_counted_in_both_versions() {
        assert!(killed("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"));
        assert!(!killed("low 0\noom 3\noom_kill 0\noom_group_kill 0\n"));
    }
}
