//! Private directories for bytes on their way out, which a killed process doesn't leave behind for ever.
//!
//! Each lies under one base directory and holds a locked file. The kernel drops the lock with the process, so whoever
//! makes the next one can tell which are abandoned and removes them. A living process is never touched.

use std::{
    env, fs,
    fs::{DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// Name of the lock, of the base and of each directory.
const LOCK: &str = ".lock";

/// A directory that is removed with the value.
#[derive(Debug)]
pub(crate) struct SpoolDir {
    path: PathBuf,
    _lock: File,
}

impl SpoolDir {
    /// Makes a directory and removes abandoned ones.
    pub(crate) fn new() -> io::Result<Self> {
        Self::below(&base()?)
    }

    fn below(base: &Path) -> io::Result<Self> {
        // One at a time: a directory that isn't locked yet must not look abandoned.
        let turn = File::create(base.join(LOCK))?;
        turn.lock()?;
        sweep(base)?;
        let path = tempfile::Builder::new()
            .prefix("spool-")
            .tempdir_in(base)?
            .keep();
        let lock = File::create(path.join(LOCK))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpoolDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "a spool directory could not be removed");
        }
    }
}

/// One per user; nobody else may have made it, since others would read what lies in it.
fn base() -> io::Result<PathBuf> {
    let own = fs::metadata("/proc/self")?.uid();
    let base = env::temp_dir().join(format!("aqueduct-{own}"));
    match DirBuilder::new().mode(0o700).create(&base) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let there = fs::symlink_metadata(&base)?;
    if there.is_dir() && there.uid() == own {
        return Ok(base);
    }
    Err(io::Error::other(format!(
        "{} belongs to somebody else",
        base.display()
    )))
}

fn sweep(base: &Path) -> io::Result<()> {
    for entry in fs::read_dir(base)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let abandoned = match File::open(path.join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if abandoned {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_removes_what_a_killed_process_left() {
        let base = tempfile::tempdir().unwrap();
        let abandoned = base.path().join("spool-x");
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        fs::write(abandoned.join("blob"), "bytes").unwrap();
        let living = SpoolDir::below(base.path()).unwrap();
        assert!(!abandoned.exists());
        let second = SpoolDir::below(base.path()).unwrap();
        assert!(living.path().exists());
        let path = second.path().to_owned();
        drop(second);
        assert!(!path.exists());
    }
}
