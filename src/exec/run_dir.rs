//! The directory of one runner process: everything it makes lies below, and a lock says that it lives.
//!
//! ```text
//! STATE/.sweep-lock                held while a run directory is made or removed
//! STATE/host-PID-RANDOM/lock       flock held for the life of the process; the kernel drops it however that ends
//! STATE/host-PID-RANDOM/processes  what it started ([`crate::records`])
//! STATE/oci-PID-RANDOM/p1-j2-a1/   one attempt, of executors that keep something of it on disk
//! ```

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::records;

const SWEEP_LOCK: &str = ".sweep-lock";
const RUN_LOCK: &str = "lock";
/// A child that its dead parent was just starting holds the parent's lock until its exec.
const LAST_HOLDERS: Duration = Duration::from_secs(1);

/// A living run directory; removed when dropped, if nothing is left in it.
#[derive(Debug)]
pub(crate) struct RunDir {
    state_dir: PathBuf,
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Makes and locks a directory below `state_dir`, which is made too. `executor` starts its name.
    pub(crate) fn create(state_dir: &Path, executor: &str) -> io::Result<Self> {
        fs::create_dir_all(state_dir)?;
        // Absolute, since children run elsewhere.
        let state_dir = state_dir.canonicalize()?;
        let _guard = sweep_lock(&state_dir)?;
        let path = tempfile::Builder::new()
            .prefix(&format!("{executor}-{}-", std::process::id()))
            .tempdir_in(&state_dir)?
            .keep();
        let lock = File::create(path.join(RUN_LOCK))?;
        lock.lock()?;
        Ok(Self {
            state_dir,
            path,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, unique among the living and the unswept.
    pub(crate) fn name(&self) -> &str {
        name_of(&self.path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if let Ok(_guard) = sweep_lock(&self.state_dir) {
            let empty = attempts(&self.path).is_ok_and(|attempts| attempts.is_empty());
            if empty {
                records::remove(&self.path);
                let _ = fs::remove_file(self.path.join(RUN_LOCK));
                let _ = fs::remove_dir(&self.path);
            }
        }
    }
}

/// Held while run directories are made, judged or removed.
pub(crate) fn sweep_lock(state_dir: &Path) -> io::Result<File> {
    let lock = File::create(state_dir.join(SWEEP_LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// The run directories of `executors` below `state_dir`; none if that doesn't exist.
pub(crate) fn runs(state_dir: &Path, executors: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut runs = subdirectories(state_dir)?;
    runs.retain(|path| {
        let executor = name_of(path).split_once('-').map(|(executor, _)| executor);
        executor.is_some_and(|executor| executors.contains(&executor))
    });
    Ok(runs)
}

/// The attempt directories of a run.
pub(crate) fn attempts(run: &Path) -> io::Result<Vec<PathBuf>> {
    subdirectories(run)
}

/// Takes the lock of a run whose process is gone; `None` if it lives.
pub(crate) fn lock_dead(run: &Path) -> io::Result<Option<File>> {
    let lock = File::create(run.join(RUN_LOCK))?;
    let deadline = Instant::now() + LAST_HOLDERS;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(Some(lock)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if owner_lives(run) || Instant::now() > deadline => {
                return Ok(None);
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// By the process number in the name. A number given to another process in the meantime only puts the sweep off.
fn owner_lives(run: &Path) -> bool {
    let pid = name_of(run).split('-').nth(1).unwrap_or_default();
    Path::new("/proc").join(pid).exists()
}

/// The last component as text; our own names are ASCII.
pub(crate) fn name_of(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
}

fn subdirectories(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_run_is_never_taken_for_dead() {
        let state = tempfile::tempdir().unwrap();
        let first = RunDir::create(state.path(), "host").unwrap();
        let second = RunDir::create(state.path(), "host").unwrap();
        assert_ne!(first.path(), second.path());
        assert!(lock_dead(first.path()).unwrap().is_none());
        let path = first.path().to_owned();
        fs::create_dir(path.join("p1-j1-a1")).unwrap();
        drop(first);
        assert!(lock_dead(&path).unwrap().is_some(), "it left something");
        let path = second.path().to_owned();
        drop(second);
        assert!(!path.exists(), "it left nothing");
    }
}
