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
    hierarchies(&mountinfo())
        .map(|(_, point)| point.join(name))
        .filter(|dir| dir.exists())
        .collect()
}

fn mountinfo() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()
}

/// Version and mount point of every hierarchy (proc(5), `mountinfo`: the type follows a lone hyphen).
fn hierarchies(mountinfo: &str) -> impl Iterator<Item = (&str, PathBuf)> {
    mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let kind = after.split(' ').next()?;
        let point = before.split(' ').nth(4)?;
        (kind == "cgroup" || kind == "cgroup2").then(|| (kind, PathBuf::from(point)))
    })
}

/// A cgroup of the container, and where the container sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
}

/// Where a container looks for its cgroups.
pub(crate) const INSIDE: &str = "/sys/fs/cgroup";
/// Controllers of v1 whose files programs read to learn what they may use.
const SHOWN: [&str; 5] = ["cpu", "cpuacct", "cpuset", "memory", "pids"];

/// What a container may see of the cgroup `name`.
pub(crate) fn views(name: &str) -> Vec<View> {
    views_in(&mountinfo(), name)
}

/// On v2 the cgroup itself; on v1 and hybrids one a controller, under each of its names where several share a
/// hierarchy (`cpu,cpuacct`).
fn views_in(mountinfo: &str, name: &str) -> Vec<View> {
    let mut views = Vec::new();
    for (kind, point) in hierarchies(mountinfo) {
        let source = point.join(name);
        let target = PathBuf::from(INSIDE);
        if kind == "cgroup2" && point == target {
            return vec![View { source, target }];
        }
        let controllers = point.file_name().and_then(|name| name.to_str());
        let shown = controllers.unwrap_or_default().split(',');
        views.extend(shown.filter(|one| SHOWN.contains(one)).map(|one| View {
            source: source.clone(),
            target: target.join(one),
        }));
    }
    views
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
#[path = "cgroup_tests.rs"]
mod tests;
