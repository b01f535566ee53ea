//! Which files a snapshot holds: the tracked ones and those that are new but not ignored.

use std::{
    collections::HashSet,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use aqueduct_ports::workspace::WorkspaceError;
use git2::{Repository, Status, StatusOptions, StatusShow};

use crate::error::{Result, failed};

/// Mode of a submodule in an index.
pub(crate) const GITLINK: u32 = 0o160_000;
/// Repositories within repositories within …
const MAX_NESTING: u32 = 16;

/// Paths relative to the project's directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Files, links and empty directories to copy.
    pub(crate) files: Vec<PathBuf>,
    /// The tracked ones among them: what `untracked: true` leaves out. Only ever asked, never iterated.
    pub(crate) tracked: HashSet<PathBuf>,
    /// Submodules of which there is nothing here.
    pub(crate) absent: Vec<PathBuf>,
}

/// Lists a repository's working tree, submodules and nested repositories as plain files.
pub(crate) fn of_repository(repository: &Repository) -> Result<Listing> {
    let mut listing = Listing::default();
    add_repository(repository, Path::new(""), 0, &mut listing)?;
    Ok(listing)
}

/// Lists a directory without a repository: everything that no `.gitignore` in it names.
pub(crate) fn of_directory(root: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    let walk = ignore::WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(false)
        .build();
    for entry in walk {
        let entry = entry.map_err(failed("read", root))?;
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        if let (false, Ok(path)) = (is_dir, entry.path().strip_prefix(root)) {
            listing.tracked.insert(path.to_path_buf());
            listing.files.push(path.to_path_buf());
        }
    }
    Ok(listing)
}

fn add_repository(
    repository: &Repository,
    prefix: &Path,
    nesting: u32,
    listing: &mut Listing,
) -> Result<()> {
    let Some(root) = repository.workdir() else {
        return Err(WorkspaceError::Refused(format!(
            "{} is a bare repository: there are no files to run jobs on",
            repository.path().display()
        )));
    };
    let mut nested = Vec::new();
    let mut submodules = Vec::new();
    let index = repository
        .index()
        .map_err(failed("read the index of", root))?;
    for entry in index.iter() {
        let path = Path::new(OsStr::from_bytes(&entry.path)).to_path_buf();
        if entry.mode == GITLINK {
            submodules.push(path);
        } else if listing.tracked.insert(prefix.join(&path)) {
            listing.files.push(prefix.join(path));
        }
    }
    let mut options = StatusOptions::new();
    options
        .show(StatusShow::Workdir)
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(false)
        .include_unmodified(false)
        .exclude_submodules(true);
    let statuses = repository
        .statuses(Some(&mut options))
        .map_err(failed("look for new files in", root))?;
    for status in statuses.iter() {
        if status.status() != Status::WT_NEW {
            continue;
        }
        let bytes = status.path_bytes();
        match bytes.strip_suffix(b"/") {
            Some(dir) => nested.push(PathBuf::from(OsStr::from_bytes(dir))),
            None => listing.files.push(prefix.join(OsStr::from_bytes(bytes))),
        }
    }
    for path in submodules {
        if !add_nested(root, &path, prefix, nesting, listing)? {
            listing.absent.push(prefix.join(path));
        }
    }
    for path in nested {
        add_nested(root, &path, prefix, nesting, listing)?;
    }
    Ok(())
}

/// A submodule, or a repository somebody cloned into this one; false if there is none.
fn add_nested(
    root: &Path,
    path: &Path,
    prefix: &Path,
    nesting: u32,
    listing: &mut Listing,
) -> Result<bool> {
    let full = prefix.join(path);
    // The directory itself, which may be empty: a submodule that isn't initialised.
    listing.files.push(full.clone());
    match Repository::open(root.join(path)) {
        Ok(inner) if nesting < MAX_NESTING => {
            add_repository(&inner, &full, nesting + 1, listing).map(|()| true)
        }
        Ok(_) => Ok(true),
        Err(_) => Ok(false),
    }
}
