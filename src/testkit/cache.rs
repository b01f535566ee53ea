//! The cache directory, and things in it that are made once and used by many processes.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::command::{At, Result};

/// `$XDG_CACHE_HOME/aqueduct`, by default `$HOME/.cache/aqueduct`.
pub fn dir() -> PathBuf {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into()));
    base.unwrap_or_else(|| home().join(".cache"))
        .join("aqueduct")
}

/// The directory `name` of the cache, filled by `make` unless an earlier call completed it.
///
/// `name` must carry the version of what is made. Concurrent callers, in this process or another,
/// wait for the first. What an interrupted call left is removed before `make` runs; the path stays
/// the same while it runs, because virtual environments cannot be moved.
pub fn once(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    once_in(&dir().join("peers"), name, make)
}

/// Whether [`once`] has already completed `name`.
pub fn complete(name: &str) -> bool {
    dir().join(format!("peers/{name}.complete")).exists()
}

fn once_in(parent: &Path, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let path = parent.join(name);
    let complete = parent.join(format!("{name}.complete"));
    if complete.exists() {
        return Ok(path);
    }
    fs::create_dir_all(parent).at(parent)?;
    let lock_path = parent.join(format!("{name}.lock"));
    let lock = File::create(&lock_path).at(&lock_path)?;
    lock.lock().at(&lock_path)?;
    if complete.exists() {
        return Ok(path);
    }
    if path.exists() {
        fs::remove_dir_all(&path).at(&path)?;
    }
    fs::create_dir_all(&path).at(&path)?;
    make(&path)?;
    File::create(&complete).at(&complete)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Error;

    #[test]
    fn made_once_by_many_and_again_after_a_failure() {
        let parent = tempfile::tempdir().unwrap();
        let failed = once_in(parent.path(), "thing-1", |path| {
            fs::write(path.join("half"), "").unwrap();
            Err(Error::NotReady {
                peer: "thing".into(),
                log: String::new(),
            })
        });
        assert!(failed.is_err());

        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let path = once_in(parent.path(), "thing-1", |path| {
                        made.fetch_add(1, Ordering::SeqCst);
                        fs::write(path.join("whole"), "").at(path)
                    });
                    assert!(path.unwrap().join("whole").exists());
                });
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert!(!parent.path().join("thing-1/half").exists());
    }
}
