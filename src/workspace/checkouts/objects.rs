//! A store of objects a project, so that what one job fetched the next one has.
//!
//! A store is a bare repository and belongs to this runner alone. It holds refs as working copies have them. It is written
//! under an exclusive lock, which the `git` program that writes holds too, and read under a shared one. Whatever is wrong with
//! a store, it is thrown away and the job fetches without it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aqueduct_ports::{work::GitSource, workspace::WorkspaceError};
use sha2::{Digest, Sha256};

use super::{address::Address, fetch::fetch, git::Git, words::Trouble};
use crate::{
    error::{Result, blocking, failed},
    tree::remove_tree,
};

/// Folder of the stores.
const STORES: &str = "git";
/// Folder, in a store, of what was fetched.
const FETCHED: &str = "aqueduct-fetched";
/// Touched with each use.
const USED: &str = "aqueduct-used";
/// A store that nobody used for this long goes.
const KEPT: Duration = Duration::from_hours(14 * 24);
/// A store that was fetched into this often is begun anew: refs of old pipelines keep what nobody asks for any more.
const MAX_FETCHES: usize = 1000;

/// All of them.
#[derive(Debug)]
pub(super) struct ObjectStores {
    dir: PathBuf,
}

impl ObjectStores {
    /// Removes those that nobody uses any more. Blocks.
    pub(super) fn open(cache_dir: &Path, notes: &mut Vec<String>) -> Result<Self> {
        let dir = cache_dir.join(STORES);
        fs::create_dir_all(&dir).map_err(failed("create", &dir))?;
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|end| end == "git") && is_old(&path) {
                // One that is locked is in use.
                let lock = lock_file(&path)?;
                if lock.try_lock().is_ok() {
                    notes.extend(remove_tree(&path).err().map(|error| error.to_string()));
                }
            }
        }
        Ok(Self { dir })
    }

    /// Fetches what is missing into the project's store, and from there into the repository in `dir`. False if the store
    /// is of no use.
    ///
    /// # Errors
    /// If the server can't be reached or refuses: without the store it would be the same.
    pub(super) async fn fill(
        &self,
        address: &Address,
        source: &GitSource,
        dir: &Path,
    ) -> Result<bool> {
        let store = Store::of(&self.dir, address, source);
        if !store.has(source)
            && let Err(error) = store.update(address, source).await
        {
            return match error {
                Unusable::Server(error) => Err(error),
                Unusable::Store(why) => {
                    tracing::warn!(store = %store.path.display(), why, "beginning the store of objects anew");
                    store.discard().await?;
                    Ok(false)
                }
            };
        }
        if store.hand_out(address, source, dir).await {
            return Ok(true);
        }
        store.discard().await?;
        Ok(false)
    }
}

/// Why a store could not be brought up to date.
enum Unusable {
    Server(WorkspaceError),
    Store(String),
}

impl From<WorkspaceError> for Unusable {
    fn from(error: WorkspaceError) -> Self {
        Self::Store(error.to_string())
    }
}

struct Store {
    path: PathBuf,
}

impl Store {
    /// Whole histories and shallow ones are kept apart: one fetch would make the other's wrong.
    fn of(dir: &Path, address: &Address, source: &GitSource) -> Self {
        let kind = if source.depth == 0 { "full" } else { "shallow" };
        Self {
            path: dir.join(format!("{}-{kind}.git", address.folder())),
        }
    }

    /// Whether exactly this was fetched before.
    fn has(&self, source: &GitSource) -> bool {
        self.mark(source).exists()
    }

    fn mark(&self, source: &GitSource) -> PathBuf {
        let mut hash = Sha256::new();
        for part in [source.sha.as_str(), &source.depth.to_string()]
            .into_iter()
            .chain(source.refspecs.iter().map(String::as_str))
        {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        self.path.join(FETCHED).join(hex::encode(hash.finalize()))
    }

    async fn lock(&self, exclusive: bool) -> Result<File> {
        let path = self.path.clone();
        blocking(move || {
            let lock = lock_file(&path)?;
            let taken = if exclusive {
                lock.lock()
            } else {
                lock.lock_shared()
            };
            taken.map_err(failed("lock", &path))?;
            Ok(lock)
        })
        .await
    }

    /// Fetches from the server, unless somebody did so meanwhile.
    async fn update(
        &self,
        address: &Address,
        source: &GitSource,
    ) -> std::result::Result<(), Unusable> {
        let lock = self.lock(true).await?;
        if self.has(source) {
            return Ok(());
        }
        self.make(address, source, &lock).await?;
        remove_stale_locks(&self.path);
        let git = Git {
            address,
            dir: &self.path,
            lock: Some(&lock),
        };
        let fetched = fetch(&git, source, address.url(), &source.refspecs).await;
        fetched.map_err(|failure| match failure.trouble {
            Trouble::Other => Unusable::Store(failure.words),
            _ => Unusable::Server(failure.error("the sources can't be fetched")),
        })?;
        let mark = self.mark(source);
        File::create(&mark).map_err(failed("create", &mark))?;
        Ok(())
    }

    async fn make(&self, address: &Address, source: &GitSource, lock: &File) -> Result<()> {
        let marks = self.path.join(FETCHED);
        let fetches = fs::read_dir(&marks).map_or(0, Iterator::count);
        if fetches >= MAX_FETCHES {
            remove_tree(&self.path)?;
        } else if marks.is_dir() {
            return Ok(());
        }
        remove_tree(&self.path)?;
        fs::create_dir_all(&self.path).map_err(failed("create", &self.path))?;
        let git = Git {
            address,
            dir: &self.path,
            lock: Some(lock),
        };
        let format = if source.sha256 { "sha256" } else { "sha1" };
        let format = format!("--object-format={format}");
        let made = git
            .run(&["init", "--quiet", "--bare", "--template=", &format])
            .await;
        made.map_err(|failure| failure.error("a store of objects can't be made"))?;
        // A commit that no ref names any more is still given out.
        let any = ["config", "uploadpack.allowAnySHA1InWant", "true"];
        let set = git.run(&any).await;
        set.map_err(|failure| failure.error("a store of objects can't be made"))?;
        // Last: a store without it is not whole.
        fs::create_dir(&marks).map_err(failed("create", &marks))
    }

    /// Fetches from the store into a working copy's repository; false if it can't be done.
    async fn hand_out(&self, address: &Address, source: &GitSource, dir: &Path) -> bool {
        let Ok(_lock) = self.lock(false).await else {
            return false;
        };
        let _ = File::create(self.path.join(USED));
        let git = Git {
            address,
            dir,
            lock: None,
        };
        let mut refspecs: Vec<String> = source.refspecs.iter().map(|one| as_stored(one)).collect();
        refspecs.push(source.sha.clone());
        let url = format!("file://{}", self.path.display());
        match fetch(&git, source, &url, &refspecs).await {
            Ok(()) => true,
            Err(failure) => {
                tracing::warn!(words = failure.words, "the store of objects is of no use");
                false
            }
        }
    }

    async fn discard(&self) -> Result<()> {
        let _lock = self.lock(true).await?;
        let path = self.path.clone();
        blocking(move || remove_tree(&path)).await
    }
}

/// The store has refs under the names that working copies have them under.
fn as_stored(refspec: &str) -> String {
    let plain = refspec.trim_start_matches('+');
    let name = plain.split_once(':').map_or(plain, |(_, name)| name);
    format!("+{name}:{name}")
}

fn lock_file(store: &Path) -> Result<File> {
    let path = store.with_extension("lock");
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed("create", &path))
}

/// Files by which a killed `git` locked a ref or the list of shallow commits; the lock that we hold says that none lives.
fn remove_stale_locks(store: &Path) {
    for entry in walkdir::WalkDir::new(store).into_iter().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "lock") {
            let _ = fs::remove_file(path);
        }
    }
}

fn is_old(store: &Path) -> bool {
    let used = fs::metadata(store.join(USED)).or_else(|_| fs::metadata(store));
    let used = used.and_then(|meta| meta.modified());
    used.is_ok_and(|used| {
        SystemTime::now()
            .duration_since(used)
            .is_ok_and(|age| age > KEPT)
    })
}
