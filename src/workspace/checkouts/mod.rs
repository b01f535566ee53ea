//! Working copies of a runner that fetches its sources: one an attempt, from any number of projects.
//!
//! The `git` program does all of it. What it fetches goes through a store of objects a project, so that the second job of a
//! commit fetches nothing and the next commit little. Passwords reach `git` by its environment alone: they are in no argument
//! list and in no `.git/config`.

mod address;
mod fetch;
mod git;
mod objects;
#[cfg(test)]
mod tests;
mod words;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use aqueduct_core::id::AttemptKey;
use aqueduct_ports::workspace::{
    CacheStore, Checkout, Contents, Format, GitCheckout, Packed, Packer, Selected, Selection,
    StoredFile, WorkingCopies, WorkingCopy, WorkspaceError,
};
use async_trait::async_trait;

use self::{address::Address, objects::ObjectStores};
use crate::{
    artifacts::unpack,
    cache::{ProjectCaches, hash_files},
    error::{Result, blocking, failed},
    pack,
    places::Places,
    quota::Quota,
    run_dir::{self, RunDir},
    select::find,
    tree::remove_tree,
};

/// Where a runner keeps its files.
#[derive(Clone, Debug)]
pub struct CheckoutsConfig {
    /// Working copies lie below it.
    pub builds_dir: PathBuf,
    /// Objects of projects, and caches of jobs.
    pub cache_dir: PathBuf,
    /// What an archive may unpack to.
    pub quota: Quota,
}

/// A runner's place on the disk; implements the ports of [`aqueduct_ports::workspace`] but for artifacts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checkouts {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    run: RunDir,
    jobs_dir: PathBuf,
    cache_dir: PathBuf,
    places: Places,
    quota: Quota,
    stores: ObjectStores,
    /// Number of the last file that was packed or downloaded.
    files: AtomicU64,
    /// Folders of the attempts' projects among other projects'.
    projects: Mutex<BTreeMap<AttemptKey, String>>,
    notes: Vec<String>,
}

impl Checkouts {
    /// Sweeps what dead runners left. Blocks.
    ///
    /// The executors' sweep must have run before: their processes may still write into what is swept here.
    ///
    /// # Errors
    /// If one of the directories can't be written.
    pub fn open(config: &CheckoutsConfig) -> Result<Self> {
        for dir in [&config.builds_dir, &config.cache_dir] {
            fs::create_dir_all(dir).map_err(failed("create", dir))?;
        }
        let builds_dir =
            fs::canonicalize(&config.builds_dir).map_err(failed("open", &config.builds_dir))?;
        let cache_dir =
            fs::canonicalize(&config.cache_dir).map_err(failed("open", &config.cache_dir))?;
        let mut notes = run_dir::sweep(&builds_dir);
        let run = RunDir::create(&builds_dir)?;
        let jobs_dir = run.path().join("jobs");
        fs::create_dir(&jobs_dir).map_err(failed("create", &jobs_dir))?;
        let stores = ObjectStores::open(&cache_dir, &mut notes)?;
        Ok(Self {
            inner: Arc::new(Inner {
                run,
                jobs_dir,
                cache_dir,
                places: Places::default(),
                quota: config.quota,
                stores,
                files: AtomicU64::new(0),
                projects: Mutex::default(),
                notes,
            }),
        })
    }

    /// What a person should know: leftovers that could not be removed.
    pub fn notes(&self) -> &[String] {
        &self.inner.notes
    }

    /// Removes what this process made but caches and objects. Blocks; legal once no job runs.
    ///
    /// # Errors
    /// If something can't be removed; the next runner's sweep tries again.
    pub fn close(&self) -> Result<()> {
        remove_tree(self.inner.run.path())
    }

    fn projects(&self) -> MutexGuard<'_, BTreeMap<AttemptKey, String>> {
        // Every change is one call, so a poisoned lock guards a sound state.
        let projects = &self.inner.projects;
        projects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn caches(&self, copy: &WorkingCopy) -> Result<ProjectCaches> {
        let folder = self.projects().get(&copy.key).cloned().ok_or_else(|| {
            WorkspaceError::Refused("a job without a project has no cache".to_owned())
        })?;
        let inner = &self.inner;
        Ok(ProjectCaches::new(
            &inner.cache_dir,
            &folder,
            inner.run.path(),
        ))
    }

    async fn fill(&self, dir: &Path, key: AttemptKey, git: &GitCheckout) -> Result<()> {
        let address = Address::parse(git.source.url.expose())?;
        self.projects().insert(key, address.folder());
        if git.contents == Contents::Nothing {
            return Ok(());
        }
        fetch::fill(&self.inner.stores, &address, git, dir).await
    }
}

#[async_trait]
impl WorkingCopies for Checkouts {
    async fn prepare(&self, key: AttemptKey, checkout: Checkout) -> Result<WorkingCopy> {
        self.remove(key).await?;
        let name = match &checkout {
            Checkout::Git(git) => Address::parse(git.source.url.expose())?.name(),
            Checkout::Empty => "project".to_owned(),
            Checkout::Snapshot => {
                return Err(WorkspaceError::Refused(
                    "the job's sources are in no repository".to_owned(),
                ));
            }
        };
        let place = self.inner.places.new_place(&self.inner.jobs_dir, &name);
        let made = place.make();
        let copy = WorkingCopy {
            key,
            dir: place.dir.clone(),
            tmp_dir: place.tmp_dir.clone(),
        };
        // Before it is filled: whenever that stops, what is there of it goes with the attempt.
        self.inner.places.keep(key, place);
        made?;
        if let Checkout::Git(git) = &checkout {
            self.fill(&copy.dir, key, git).await?;
        }
        Ok(copy)
    }

    async fn remove(&self, key: AttemptKey) -> Result<()> {
        self.projects().remove(&key);
        let Some(place) = self.inner.places.give_back(key) else {
            return Ok(());
        };
        let inner = self.inner.clone();
        blocking(move || {
            let removed = place.remove();
            match removed {
                Ok(()) => inner.places.forget(&place),
                // So that another call tries again.
                Err(_) => inner.places.keep(key, place),
            }
            removed
        })
        .await
    }
}

#[async_trait]
impl CacheStore for Checkouts {
    async fn hash_files(
        &self,
        copy: &WorkingCopy,
        files: &[String],
        commits: bool,
    ) -> Result<Option<String>> {
        hash_files(copy, files, commits).await
    }

    async fn restore(&self, copy: &WorkingCopy, keys: &[String]) -> Result<Option<String>> {
        let caches = self.caches(copy)?;
        let (dir, keys) = (copy.dir.clone(), keys.to_vec());
        blocking(move || caches.restore(&dir, keys)).await
    }

    async fn save(&self, copy: &WorkingCopy, key: &str, selection: &Selection) -> Result<Selected> {
        let caches = self.caches(copy)?;
        let (copy, key, selection) = (copy.clone(), key.to_owned(), selection.clone());
        blocking(move || {
            let found = find(&copy.dir, &selection, &tracked(&copy.dir))?;
            caches.save(&copy, &key, found)
        })
        .await
    }
}

#[async_trait]
impl Packer for Checkouts {
    async fn pack(
        &self,
        copy: &WorkingCopy,
        selection: &Selection,
        format: Format,
    ) -> Result<Packed> {
        let (copy, selection, file) = (copy.clone(), selection.clone(), self.new_file());
        blocking(move || {
            let found = find(&copy.dir, &selection, &tracked(&copy.dir))?;
            pack::pack(&copy.dir, found, format, &file)
        })
        .await
    }

    async fn read(
        &self,
        copy: &WorkingCopy,
        selection: &Selection,
        limit: u64,
    ) -> Result<Vec<StoredFile>> {
        let (copy, selection) = (copy.clone(), selection.clone());
        blocking(move || {
            let found = find(&copy.dir, &selection, &tracked(&copy.dir))?;
            pack::read(&copy.dir, &found, limit)
        })
        .await
    }

    fn new_file(&self) -> PathBuf {
        let number = self.inner.files.fetch_add(1, Ordering::Relaxed);
        self.inner.run.path().join(format!("file-{number}"))
    }

    fn room_for(&self, bytes: u64) -> Result<()> {
        self.inner.quota.room(self.inner.run.path(), bytes)
    }

    async fn unpack(&self, archive: PathBuf, into: PathBuf) -> Result<u64> {
        let (scratch, quota) = (self.new_file(), self.inner.quota);
        blocking(move || {
            let unpacked =
                pack::unpack(&archive, &scratch, quota).and_then(|()| unpack(&scratch, &into));
            let _ = remove_tree(&scratch);
            unpacked
        })
        .await
    }
}

/// Files that the copy's index names now, submodules left out; none where there is no repository.
pub(crate) fn tracked(dir: &Path) -> HashSet<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let index = git2::Repository::open(dir).and_then(|repository| repository.index());
    let Ok(index) = index else {
        return HashSet::new();
    };
    let path = |entry: git2::IndexEntry| PathBuf::from(std::ffi::OsStr::from_bytes(&entry.path));
    index.iter().map(path).collect()
}
