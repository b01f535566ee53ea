//! The directory of one run, held by a lock, and the sweep of those whose process is gone.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    error::{Result, failed},
    mounts::unmount_below,
    project::runs_dir,
    tree::remove_tree,
};

/// Held for as long as the run's process lives.
const LOCK: &str = "lock";
/// What was kept of the project's run before this one.
pub(crate) const FORMER: &str = "former";

/// The directory of a living run.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    /// Closing it gives up the lock, also when the process is killed.
    _lock: File,
}

impl RunDir {
    /// Makes a new one below the cache directory.
    pub(crate) fn create(cache_dir: &Path) -> Result<Self> {
        let runs = runs_dir(cache_dir);
        fs::create_dir_all(&runs).map_err(failed("create", &runs))?;
        let _guard = lock_runs(&runs)?;
        let path = tempfile::Builder::new()
            .prefix("run-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&runs)
            .map_err(failed("create a directory in", &runs))?
            .keep();
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(failed("create", &lock_path))?;
        lock.try_lock().map_err(failed("lock", &lock_path))?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves what is worth keeping out of the directory, each under a new name, to where the project's last run is kept; what
    /// was there comes into the directory, as [`FORMER`].
    pub(crate) fn keep(&self, kept: &Path, names: &[(&str, &str)]) -> Result<()> {
        let runs = self.path.parent().unwrap_or(&self.path);
        let _guard = lock_runs(runs)?;
        let former = self.path.join(FORMER);
        match fs::rename(kept, &former) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(failed("replace", kept))?,
        }
        fs::create_dir_all(kept).map_err(failed("create", kept))?;
        for (name, new) in names {
            let (from, to) = (self.path.join(name), kept.join(new));
            fs::rename(&from, &to).map_err(failed("keep", &from))?;
        }
        Ok(())
    }
}

/// Removes what runs left whose process is gone. What can't be removed is answered as text and tried again by the next sweep.
///
/// The executors must have been swept before: a process that is left could still write.
pub(crate) fn sweep(cache_dir: &Path) -> Vec<String> {
    let runs = runs_dir(cache_dir);
    let mut dead = Vec::new();
    if let Ok(_guard) = lock_runs(&runs) {
        for entry in fs::read_dir(&runs).into_iter().flatten().flatten() {
            dead.extend(claim_dead(&entry.path()));
        }
    }
    dead.iter()
        .filter_map(|run| {
            unmount_below(run)
                .and_then(|()| remove_tree(run))
                .err()
                .map(|error| error.to_string())
        })
        .collect()
}

/// Renames a dead run's directory, so that no other sweep takes it as well; `None` for a living one.
fn claim_dead(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with("dead-") {
        return Some(path.to_path_buf());
    }
    if !name.starts_with("run-") {
        return None;
    }
    // Runs are made and locked under the lock that we hold, so one without a lock file never got that far.
    let alive = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
    if alive {
        return None;
    }
    // Mounts hold a directory's name in place, so they go first.
    let _ = unmount_below(path);
    let claimed = path.with_file_name(format!("dead-{name}"));
    fs::rename(path, &claimed).ok().map(|()| claimed)
}

/// Makes creating and judging runs exclusive, among all processes.
pub(crate) fn lock_runs(runs: &Path) -> Result<File> {
    let path = runs.join(".lock");
    let file = File::create(&path).map_err(failed("create", &path))?;
    file.lock().map_err(failed("lock", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cache: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(runs_dir(cache))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock")
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_sweep_takes_the_dead_and_spares_the_living() {
        let cache = tempfile::tempdir().unwrap();
        let living = RunDir::create(cache.path()).unwrap();
        let dead = RunDir::create(cache.path()).unwrap();
        fs::create_dir_all(dead.path().join("jobs/p1-j1-a1")).unwrap();
        drop(dead);
        assert!(sweep(cache.path()).is_empty());
        let left = living.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(names(cache.path()), [left]);
    }

    #[test]
    fn what_is_kept_replaces_what_was_kept() {
        let cache = tempfile::tempdir().unwrap();
        let kept = cache.path().join("last/mine");
        for round in ["first", "second"] {
            let run = RunDir::create(cache.path()).unwrap();
            fs::create_dir_all(run.path().join("logs").join(round)).unwrap();
            run.keep(&kept, &[("logs", "logs")]).unwrap();
        }
        assert!(kept.join("logs/second").is_dir());
        assert!(!kept.join("logs/first").exists());
    }

    #[test]
    fn a_run_that_died_before_its_lock_is_swept() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir_all(runs_dir(cache.path()).join("run-half")).unwrap();
        assert!(sweep(cache.path()).is_empty());
        assert!(names(cache.path()).is_empty());
    }
}
