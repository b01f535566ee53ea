//! Takes away what writers left that were killed: lock files, half packs, refs without content, half made mirrors.
//!
//! Only whoever has the mirror's lock may do so: nobody else is at work then.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Files that git makes in the mirror's folder to keep others out.
const LOCKS: [&str; 8] = [
    "HEAD.lock",
    "config.lock",
    "packed-refs.lock",
    "packed-refs.new",
    "shallow.lock",
    "gc.log.lock",
    "gc.pid.lock",
    "gc.pid",
];

/// Whether there is a mirror that git would open.
pub(crate) fn is_whole(mirror: &Path) -> bool {
    git2::Repository::open_bare(mirror).is_ok_and(|repo| repo.odb().is_ok())
}

/// Makes the mirror usable for the next writer.
pub(crate) fn repair(mirror: &Path) -> io::Result<()> {
    for name in LOCKS {
        remove(&mirror.join(name))?;
    }
    refs(&mirror.join("refs"))?;
    let objects = mirror.join("objects");
    packs(&objects.join("pack"))?;
    remove(&objects.join("info/commit-graph.lock"))?;
    remove(&objects.join("info/commit-graphs/commit-graph-chain.lock"))
}

/// Removes locks, and refs that a power failure left empty: the next fetch has them again.
fn refs(dir: &Path) -> io::Result<()> {
    for entry in entries(dir)? {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            refs(&entry.path())?;
        } else if is_lock(&entry.path()) || entry.metadata()?.len() == 0 {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes packs that never got their name. One without index is invisible to git, and is never looked for again.
fn packs(dir: &Path) -> io::Result<()> {
    for entry in entries(dir)? {
        let path = entry.path();
        let name = entry.file_name();
        let orphan = path.extension().is_some_and(|end| end == "pack")
            && !path.with_extension("idx").exists();
        // A fetch guards its new pack until refs lead to it, and nobody else makes such files.
        let guard = path.extension().is_some_and(|end| end == "keep");
        if name.to_string_lossy().starts_with("tmp_") || orphan || guard || is_lock(&path) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "lock")
}

/// Bytes of packs on their way into the mirror.
pub(crate) fn incoming(mirror: &Path) -> u64 {
    entries(&mirror.join("objects/pack"))
        .unwrap_or_default()
        .iter()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("tmp_"))
        .filter_map(|entry| entry.metadata().ok())
        .map(|data| data.len())
        .sum()
}

/// Removes a folder with all that is in it, through another name: a half removed one is never taken for a mirror.
pub(crate) fn bury(dir: &Path, grave: &Path) -> io::Result<()> {
    remove_tree(grave)?;
    match fs::rename(dir, grave) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => remove_tree(grave),
    }
}

/// Removes a folder, if it is there.
pub(crate) fn remove_tree(dir: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_dir_all(dir))
}

fn remove(path: &PathBuf) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path))
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn entries(dir: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => entries.collect(),
    }
}
