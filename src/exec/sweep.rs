//! Removing what dead runs left: processes, cgroups, directories.

use std::{collections::BTreeSet, fs, io, path::Path};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use crate::{
    oci::cgroup,
    process::{Identity, kill_marked},
    records::{self, Record},
    run_dir::{attempts, lock_dead, name_of, runs, sweep_lock},
};

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Runs whose process is gone.
    pub runs: usize,
    /// Attempts of theirs that left something.
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
        // Sessions first: a member that dropped the marker is found by its leader alone, while that lives. Then by
        // marker: that finds processes started after the last record was written.
        let records = records::read(&run)?;
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        for record in &records {
            if kill_session(record.process) {
                swept.processes += 1;
                gone.insert(&record.attempt);
            }
        }
        swept.processes += kill_marked(&format!("{}/", name_of(&run)), None);
        let with_directory = attempts(&run)?;
        for attempt in &with_directory {
            swept.processes += remove_attempt(attempt, &[])?;
        }
        gone.extend(with_directory.iter().map(|attempt| name_of(attempt)));
        swept.attempts += gone.len();
        fs::remove_dir_all(&run)?;
        swept.runs += 1;
    }
    Ok(swept)
}

/// Kills what `records` say of an attempt and removes its directory, if it has one; how many processes were killed.
pub(crate) fn remove_attempt(dir: &Path, records: &[Record]) -> io::Result<usize> {
    let own = records
        .iter()
        .filter(|record| record.attempt == name_of(dir));
    let mut killed = own.filter(|record| kill_session(record.process)).count();
    let cgroups = fs::read_to_string(dir.join(cgroup::RECORD)).unwrap_or_default();
    for name in cgroups.lines() {
        killed += cgroup::remove(name)?;
    }
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(killed),
    }
}

/// Kills the session of a recorded leader, if that is still the process it was.
fn kill_session(leader: Identity) -> bool {
    let pid = Pid::from_raw(leader.pid);
    leader.lives() && {
        let group = killpg(pid, Signal::SIGKILL);
        kill(pid, Signal::SIGKILL).is_ok() || group.is_ok()
    }
}
