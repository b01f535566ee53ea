//! Artifacts of a run: plain trees in the run's directory, copied without compression.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use aqueduct_core::id::AttemptKey;
use aqueduct_ports::workspace::{
    ArtifactKind, ArtifactStore, Selected, Selection, StoredFile, WorkingCopy, WorkspaceError,
};
use async_trait::async_trait;
use walkdir::WalkDir;

use crate::{
    error::{Result, blocking, failed},
    select::{copy_found, find},
    tree::{copy_entry, remove_tree, restore_dir_times},
    workspace::{Inner, Workspace},
};

/// The folder of an attempt's reports.
const REPORTS: &str = "reports";

#[async_trait]
impl ArtifactStore for Workspace {
    async fn store(
        &self,
        copy: &WorkingCopy,
        kind: &ArtifactKind,
        selection: &Selection,
    ) -> Result<Selected> {
        let (inner, copy) = (self.inner.clone(), copy.clone());
        let (kind, selection) = (kind.clone(), selection.clone());
        blocking(move || store(&inner, &copy, &kind, &selection)).await
    }

    async fn read(
        &self,
        key: AttemptKey,
        kind: &ArtifactKind,
        limit: u64,
    ) -> Result<Vec<StoredFile>> {
        let dir = kind_dir(&self.inner, key, kind);
        blocking(move || read(&dir, limit)).await
    }

    async fn fetch(&self, key: AttemptKey, into: PathBuf) -> Result<u64> {
        let dir = self.inner.archive_dir(key);
        blocking(move || {
            if dir.is_dir() {
                unpack(&dir, &into)
            } else {
                Err(WorkspaceError::Missing(format!("the archive of {key}")))
            }
        })
        .await
    }
}

fn kind_dir(inner: &Inner, key: AttemptKey, kind: &ArtifactKind) -> PathBuf {
    match kind {
        ArtifactKind::Archive { .. } => inner.archive_dir(key),
        // Report types are words of the language, never paths.
        ArtifactKind::Report(name) => inner.attempt_artifacts(key).join(REPORTS).join(name),
    }
}

/// Copies beside the final place and renames: a later job never sees half an archive.
fn store(
    inner: &Inner,
    copy: &WorkingCopy,
    kind: &ArtifactKind,
    selection: &Selection,
) -> Result<Selected> {
    let found = find(&copy.dir, selection, &inner.snapshot.tracked)?;
    let target = kind_dir(inner, copy.key, kind);
    remove_tree(&target)?;
    if found.paths.is_empty() {
        return Ok(found.summary);
    }
    let partial = target.with_extension("partial");
    remove_tree(&partial)?;
    fs::create_dir_all(&partial).map_err(failed("create", &partial))?;
    let stored = copy_found(&copy.dir, found, &partial).and_then(|summary| {
        fs::rename(&partial, &target).map_err(failed("store", &target))?;
        Ok(summary)
    });
    if stored.is_err() {
        let _ = remove_tree(&partial);
    }
    stored
}

/// What an attempt left, archive and reports as one tree, copied into `into`, which is made; false if it left nothing.
pub(crate) fn export(inner: &Inner, key: AttemptKey, into: &Path) -> Result<bool> {
    let mut any = false;
    for dir in stored(inner, key)? {
        fs::create_dir_all(into).map_err(failed("create", into))?;
        unpack(&dir, into)?;
        any = true;
    }
    Ok(any)
}

/// Puts what attempts left where a person looks for it: one folder a job below `into`.
pub(crate) fn keep_named(inner: &Inner, jobs: &[(AttemptKey, String)], into: &Path) -> Result<()> {
    fs::create_dir(into).map_err(failed("create", into))?;
    let root = inner.artifacts_root();
    let mut attempts = fs::read_dir(&root).map_err(failed("read", &root))?;
    if attempts.next().is_none() {
        return Ok(());
    }
    for (key, name) in jobs {
        let target = into.join(name);
        for dir in stored(inner, *key)? {
            if target.exists() {
                unpack(&dir, &target)?;
            } else {
                fs::rename(&dir, &target).map_err(failed("keep", &dir))?;
            }
        }
    }
    Ok(())
}

/// The trees that an attempt left, the archive first.
fn stored(inner: &Inner, key: AttemptKey) -> Result<Vec<PathBuf>> {
    let archive = Some(inner.archive_dir(key)).filter(|dir| dir.is_dir());
    let reports = inner.attempt_artifacts(key).join(REPORTS);
    let mut kinds = Vec::new();
    if reports.is_dir() {
        for entry in fs::read_dir(&reports).map_err(failed("read", &reports))? {
            kinds.push(entry.map_err(failed("read", &reports))?.path());
        }
    }
    kinds.sort();
    Ok(archive.into_iter().chain(kinds).collect())
}

fn read(dir: &Path, limit: u64) -> Result<Vec<StoredFile>> {
    let mut files = Vec::new();
    let mut left = limit;
    if !dir.is_dir() {
        return Ok(files);
    }
    for entry in WalkDir::new(dir).follow_links(false).sort_by_file_name() {
        let entry = entry.map_err(failed("read", dir))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(left.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(failed("read", path))?;
        let path = path.strip_prefix(dir).unwrap_or(path);
        let path = path.to_string_lossy().into_owned();
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| WorkspaceError::TooLarge {
                what: path.clone(),
                limit,
            })?;
        files.push(StoredFile { path, bytes });
    }
    Ok(files)
}

/// Copies an archive over what is in `into`. A directory that is a link there is looked through only if it stays inside.
pub(crate) fn unpack(archive: &Path, into: &Path) -> Result<u64> {
    let root = fs::canonicalize(into).map_err(failed("open", into))?;
    let mut dirs = Vec::new();
    let mut entries = 0;
    for entry in WalkDir::new(archive).min_depth(1).follow_links(false) {
        let entry = entry.map_err(failed("read", archive))?;
        let from = entry.path();
        let relative = from.strip_prefix(archive).unwrap_or(from);
        let target = root.join(relative);
        if entry.file_type().is_dir() {
            if leads_inside(&root, &target) {
                continue;
            }
            dirs.push((from.to_path_buf(), target.clone()));
        }
        copy_entry(from, &target)?;
        entries += 1;
    }
    restore_dir_times(&dirs);
    Ok(entries)
}

/// Whether `target` is a link to a directory below `root`: kept, and written through.
fn leads_inside(root: &Path, target: &Path) -> bool {
    fs::symlink_metadata(target).is_ok_and(|meta| meta.is_symlink())
        && fs::canonicalize(target).is_ok_and(|real| real.is_dir() && real.starts_with(root))
}
