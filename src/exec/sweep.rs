//! Removing what dead runs left: processes, cgroups, directories.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use crate::{
    oci::cgroup,
    process::{Identity, kill_marked},
    run_dir::{attempts, lock_dead, name_of, runs, sweep_lock},
};

/// File in an attempt's directory: one [`Identity`] as JSON a line, written when a process is started.
pub(crate) const PROCESSES: &str = "processes";

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Runs whose process is gone.
    pub runs: usize,
    /// Their attempts.
    pub attempts: usize,
    /// Processes that had to be killed.
    pub processes: usize,
}

/// Removes everything that dead runs left below `state_dir`. Runs whose process lives are never touched: their lock is
/// held. Blocks; quick when there is nothing to do. Call it once before the first attempt.
pub fn sweep(state_dir: &Path) -> io::Result<Swept> {
    let mut swept = Swept::default();
    let found = runs(state_dir, &["host", "oci"])?;
    if found.is_empty() {
        return Ok(swept);
    }
    let _guard = sweep_lock(state_dir)?;
    for run in found {
        if !run.exists() {
            continue;
        }
        let Some(_lock) = lock_dead(&run)? else {
            continue;
        };
        // First by marker: that finds processes started after the last record was written.
        swept.processes += kill_marked(&format!("{}/", name_of(&run)), None);
        for attempt in attempts(&run)? {
            swept.processes += remove_attempt(&attempt)?;
            swept.attempts += 1;
        }
        fs::remove_dir_all(&run)?;
        swept.runs += 1;
    }
    Ok(swept)
}

/// Kills what is recorded in an attempt's directory and removes it; how many processes were killed.
pub(crate) fn remove_attempt(dir: &Path) -> io::Result<usize> {
    let mut killed = recorded(&dir.join(PROCESSES)).map_or(0, |recorded| {
        recorded
            .into_iter()
            .filter(|one| kill_session(*one))
            .count()
    });
    let cgroups = fs::read_to_string(dir.join(cgroup::RECORD)).unwrap_or_default();
    for name in cgroups.lines() {
        killed += cgroup::remove(name)?;
    }
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(killed),
    }
}

/// Adds a process to an attempt's record.
pub(crate) fn record(dir: &Path, process: Identity) -> io::Result<()> {
    use io::Write;
    let mut line = serde_json::to_vec(&process)?;
    line.push(b'\n');
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join(PROCESSES))?
        .write_all(&line)
}

fn recorded(path: &PathBuf) -> io::Result<Vec<Identity>> {
    let text = fs::read_to_string(path)?;
    // A line that a kill cut short is no record.
    Ok(text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

/// Kills the session of a recorded leader, if that is still the process it was.
fn kill_session(leader: Identity) -> bool {
    let pid = Pid::from_raw(leader.pid);
    leader.lives() && {
        let group = killpg(pid, Signal::SIGKILL);
        kill(pid, Signal::SIGKILL).is_ok() || group.is_ok()
    }
}
