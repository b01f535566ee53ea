//! The places where working copies lie, numbered from zero.
//!
//! A place whose job left everything as it found it goes to the next job, mount and all: most of what a short job costs is
//! making and removing directories, and an overlay.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::id::AttemptKey;

use crate::{
    error::{Result, failed},
    mounts::{Overlay, is_idle, unmount},
    tree::remove_tree,
};

/// All places of a run.
#[derive(Debug, Default)]
pub(crate) struct Places {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: BTreeMap<AttemptKey, Place>,
    /// Mounted and untouched.
    idle: Vec<Place>,
    /// The numbers of both, and of those that could not be removed.
    numbers: BTreeSet<usize>,
}

/// The directories of one working copy.
#[derive(Debug)]
pub(crate) struct Place {
    number: usize,
    base: PathBuf,
    /// The working copy.
    pub(crate) dir: PathBuf,
    /// For the runner's own files, beside it.
    pub(crate) tmp_dir: PathBuf,
    upper: PathBuf,
    work: PathBuf,
    /// What an untouched one looks like; `None` if it isn't an overlay.
    untouched: Option<Look>,
}

/// What shows that somebody changed a place.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    base_entries: usize,
    upper: DirLook,
    /// The clock of a file system may be too coarse to show that one was added.
    attributes: usize,
    tmp: DirLook,
}

#[derive(Debug, PartialEq, Eq)]
struct DirLook {
    entries: usize,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Places {
    /// An idle place with a mounted working copy, for `key`; `None` if there is none.
    pub(crate) fn reuse(&self, key: AttemptKey) -> Option<(PathBuf, PathBuf)> {
        let mut state = self.lock();
        let place = state.idle.pop()?;
        let paths = (place.dir.clone(), place.tmp_dir.clone());
        state.taken.insert(key, place);
        Some(paths)
    }

    /// A new place below `jobs`, its directories not made yet. What comes of it goes back with [`Self::keep`] or
    /// [`Self::forget`].
    pub(crate) fn new_place(&self, jobs: &Path, project: &str) -> Place {
        let mut state = self.lock();
        // One of these is free: they are one more than are in use.
        let number = (0..=state.numbers.len())
            .find(|number| !state.numbers.contains(number))
            .unwrap_or_default();
        state.numbers.insert(number);
        drop(state);
        Place::of(jobs, number, project)
    }

    /// The place is `key`'s.
    pub(crate) fn keep(&self, key: AttemptKey, place: Place) {
        self.lock().taken.insert(key, place);
    }

    /// The place that `key` has.
    pub(crate) fn give_back(&self, key: AttemptKey) -> Option<Place> {
        self.lock().taken.remove(&key)
    }

    /// Another attempt may have it as it is.
    pub(crate) fn set_idle(&self, place: Place) {
        self.lock().idle.push(place);
    }

    /// It was removed: its number may be given out again.
    pub(crate) fn forget(&self, place: &Place) {
        self.lock().numbers.remove(&place.number);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one call, so a poisoned lock guards a sound state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn of(jobs: &Path, number: usize, project: &str) -> Self {
        let base = jobs.join(number.to_string());
        Self {
            number,
            dir: base.join(project),
            // GitLab Runner's name for it.
            tmp_dir: base.join(format!("{project}.tmp")),
            upper: base.join(".upper"),
            work: base.join(".work"),
            base,
            untouched: None,
        }
    }

    /// Makes the directories of an empty working copy.
    pub(crate) fn make(&self) -> Result<()> {
        make_dir(&self.base, 0o755)?;
        make_dir(&self.dir, 0o755)?;
        make_dir(&self.tmp_dir, 0o755)
    }

    /// Lays an overlay over `sources`.
    pub(crate) fn mount(&mut self, sources: &Path) -> Result<()> {
        make_dir(&self.upper, 0o755)?;
        make_dir(&self.work, 0o700)?;
        Overlay {
            lower: sources,
            upper: &self.upper,
            work: &self.work,
            merged: &self.dir,
        }
        .mount()?;
        self.untouched = self.look().ok();
        Ok(())
    }

    /// Whether nobody changed anything and nobody is in it any more.
    pub(crate) fn is_untouched(&self) -> bool {
        let Some(untouched) = &self.untouched else {
            return false;
        };
        self.look().is_ok_and(|look| look == *untouched) && is_idle(&self.dir)
    }

    /// Takes the working copy away; repeating it is legal.
    pub(crate) fn remove(&self) -> Result<()> {
        unmount(&self.dir)?;
        remove_tree(&self.base)
    }

    fn look(&self) -> std::io::Result<Look> {
        Ok(Look {
            base_entries: fs::read_dir(&self.base)?.count(),
            upper: DirLook::of(&self.upper)?,
            attributes: xattr::list(&self.upper)?.count(),
            tmp: DirLook::of(&self.tmp_dir)?,
        })
    }
}

impl DirLook {
    fn of(dir: &Path) -> std::io::Result<Self> {
        let meta = fs::symlink_metadata(dir)?;
        Ok(Self {
            entries: fs::read_dir(dir)?.count(),
            mode: meta.mode(),
            owner: (meta.uid(), meta.gid()),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

/// Makes a directory of exactly this mode, whatever the umask.
fn make_dir(path: &Path, mode: u32) -> Result<()> {
    fs::DirBuilder::new()
        .mode(mode)
        .create(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(failed("create", path))
}
