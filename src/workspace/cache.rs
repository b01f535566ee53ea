//! Caches: one tree a key, per project, kept between runs.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use aqueduct_ports::workspace::{CacheStore, Selected, Selection, WorkingCopy};
use async_trait::async_trait;
use git2::{ErrorCode, Repository, Sort};
use sha2::{Digest, Sha256};

use crate::{
    artifacts::unpack,
    error::{Result, blocking, failed},
    select::{Found, copy_found, find},
    tree::remove_tree,
    workspace::{Inner, Workspace},
};

/// Where the caches of one project are, and how they are filled.
#[derive(Clone, Debug)]
pub(crate) struct ProjectCaches {
    /// The project's folder.
    dir: PathBuf,
    /// A place on the same disk for half a cache; whoever made it sweeps it.
    scratch: PathBuf,
}

#[async_trait]
impl CacheStore for Workspace {
    async fn hash_files(
        &self,
        copy: &WorkingCopy,
        files: &[String],
        commits: bool,
    ) -> Result<Option<String>> {
        hash_files(copy, files, commits).await
    }

    async fn restore(&self, copy: &WorkingCopy, keys: &[String]) -> Result<Option<String>> {
        let (inner, dir, keys) = (self.inner.clone(), copy.dir.clone(), keys.to_vec());
        blocking(move || caches(&inner).restore(&dir, keys)).await
    }

    async fn save(&self, copy: &WorkingCopy, key: &str, selection: &Selection) -> Result<Selected> {
        let (inner, copy) = (self.inner.clone(), copy.clone());
        let (key, selection) = (key.to_owned(), selection.clone());
        blocking(move || {
            let found = find(&copy.dir, &selection, &inner.snapshot.tracked)?;
            caches(&inner).save(&copy, &key, found)
        })
        .await
    }
}

fn caches(inner: &Inner) -> ProjectCaches {
    ProjectCaches::new(&inner.cache_dir, &inner.project_folder, inner.run.path())
}

impl ProjectCaches {
    /// Those of the project with this folder; `run` is a directory that is swept, on the same disk.
    pub(crate) fn new(cache_dir: &Path, project_folder: &str, run: &Path) -> Self {
        Self {
            dir: cache_dir.join("job-caches").join(project_folder),
            scratch: run.to_path_buf(),
        }
    }

    /// Unpacks the first of `keys` that has something.
    pub(crate) fn restore(&self, into: &Path, keys: Vec<String>) -> Result<Option<String>> {
        for key in keys {
            if restore(&self.key_dir(&key), into)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Replaces a key's content; nothing found stores nothing.
    pub(crate) fn save(&self, copy: &WorkingCopy, key: &str, found: Found) -> Result<Selected> {
        if found.paths.is_empty() {
            return Ok(found.summary);
        }
        let dir = self.key_dir(key);
        let scratch = self.scratch.join(format!("cache-{}", copy.key));
        save(&dir, &scratch, copy, found)
    }

    /// A key's folder. Keys are free text: the name is what is readable of it and a hash that tells it from all others.
    fn key_dir(&self, key: &str) -> PathBuf {
        let readable: String = key
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(40)
            .collect();
        let hash = hex::encode(Sha256::digest(key.as_bytes()));
        let short: String = hash.chars().take(16).collect();
        self.dir.join(format!("{readable}-{short}"))
    }
}

/// A hash over contents, or over commits.
pub(crate) async fn hash_files(
    copy: &WorkingCopy,
    files: &[String],
    commits: bool,
) -> Result<Option<String>> {
    let (dir, files) = (copy.dir.clone(), files.to_vec());
    blocking(move || {
        if commits {
            hash_commits(&dir, &files)
        } else {
            hash_contents(&dir, &files)
        }
    })
    .await
}

/// Shared for readers, exclusive for the moment of the exchange.
fn open_lock(dir: &Path) -> Result<File> {
    let parent = dir.parent().unwrap_or(dir);
    fs::create_dir_all(parent).map_err(failed("create", parent))?;
    let path = dir.with_extension("lock");
    File::create(&path).map_err(failed("create", &path))
}

fn restore(dir: &Path, into: &Path) -> Result<bool> {
    if !dir.is_dir() {
        return Ok(false);
    }
    let lock = open_lock(dir)?;
    lock.lock_shared().map_err(failed("lock", dir))?;
    if !dir.is_dir() {
        return Ok(false);
    }
    unpack(dir, into)?;
    Ok(true)
}

/// `scratch` lies in the run's directory, on the same file system: a sweep takes it if this process is killed.
fn save(dir: &Path, scratch: &Path, copy: &WorkingCopy, found: Found) -> Result<Selected> {
    let lock = open_lock(dir)?;
    let (partial, old) = (scratch.join("new"), scratch.join("old"));
    remove_tree(scratch)?;
    fs::create_dir_all(&partial).map_err(failed("create", &partial))?;
    let saved = copy_found(&copy.dir, found, &partial).and_then(|summary| {
        lock.lock().map_err(failed("lock", dir))?;
        if dir.exists() {
            fs::rename(dir, &old).map_err(failed("replace", dir))?;
        }
        fs::rename(&partial, dir).map_err(failed("store", dir))?;
        Ok(summary)
    });
    drop(lock);
    let _ = remove_tree(scratch);
    saved
}

/// SHA-256 over names and contents of those of `files` that exist as regular files.
fn hash_contents(dir: &Path, files: &[String]) -> Result<Option<String>> {
    let mut hash = Sha256::new();
    let mut any = false;
    for file in files {
        let path = dir.join(file);
        let inside = fs::canonicalize(&path).is_ok_and(|real| real.starts_with(dir));
        if !inside || !path.is_file() {
            continue;
        }
        any = true;
        hash.update((file.len() as u64).to_be_bytes());
        hash.update(file.as_bytes());
        let mut reader = File::open(&path).map_err(failed("read", &path))?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = reader.read(&mut buffer).map_err(failed("read", &path))?;
            if read == 0 {
                break;
            }
            hash.update(buffer.get(..read).unwrap_or_default());
        }
    }
    Ok(any.then(|| hex::encode(hash.finalize())))
}

/// SHA-256 over the last commits that changed each of `files`.
fn hash_commits(dir: &Path, files: &[String]) -> Result<Option<String>> {
    let repository = match Repository::open(dir) {
        Ok(repository) => repository,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(failed("open the repository in", dir)(error.message())),
    };
    let mut hash = Sha256::new();
    let mut any = false;
    for file in files {
        let commit = last_commit(&repository, Path::new(file))
            .map_err(|error| failed("read the history of", dir)(error.message()))?;
        if let Some(commit) = commit {
            any = true;
            hash.update(commit.as_bytes());
        }
    }
    Ok(any.then(|| hex::encode(hash.finalize())))
}

/// The newest commit whose version of `file` differs from all of its parents'.
fn last_commit(
    repository: &Repository,
    file: &Path,
) -> std::result::Result<Option<git2::Oid>, git2::Error> {
    let entry_of = |commit: &git2::Commit<'_>| {
        let tree = commit.tree().ok()?;
        tree.get_path(file).ok().map(|entry| entry.id())
    };
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
    walk.push_head()?;
    for id in walk {
        let commit = repository.find_commit(id?)?;
        let here = entry_of(&commit);
        if here.is_some() && commit.parents().all(|parent| entry_of(&parent) != here) {
            return Ok(Some(commit.id()));
        }
    }
    Ok(None)
}
