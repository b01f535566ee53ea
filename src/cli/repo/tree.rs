//! The files a pipeline is compiled from: the working tree, or the tree of a commit.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use aqueduct_core::lang::LONGEST_FILE;
use aqueduct_mirror::history::{self, HistoryError};
use git2::{DiffOptions, Repository};
use ignore::WalkBuilder;

use crate::error::CliError;

/// Reads files by their path from the repository's root.
#[derive(Clone, Debug)]
pub(crate) enum SourceTree {
    /// Files as they lie there, uncommitted changes included.
    Working {
        /// Root of the tree.
        root: PathBuf,
    },
    /// Files of a commit.
    Commit {
        /// Root of the working tree of the repository.
        root: PathBuf,
        /// Full id of the commit.
        sha: String,
    },
}

impl SourceTree {
    /// The bytes of a file, `None` if there is no such file. Paths that lead out of the tree have none.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, CliError> {
        match self {
            Self::Working { root } => match history::confine(path) {
                Some(relative) => read_file(&root.join(relative)),
                None => Ok(None),
            },
            Self::Commit { root, sha } => at_commit(root, sha, |repo, tree| {
                history::read(repo, tree, path, LONGEST_FILE)
            }),
        }
    }

    /// All files, as `a/b.c`, sorted: tracked ones and those that are neither tracked nor ignored.
    pub(crate) fn list(&self) -> Result<Vec<String>, CliError> {
        match self {
            Self::Working { root } => Ok(walk(root)),
            Self::Commit { root, sha } => {
                at_commit(root, sha, |repo, tree| history::files(repo, tree, PATHS))
            }
        }
    }

    /// The paths that differ from the merge base of this tree's commit and the ref, sorted; `None` if there is no such
    /// ref or no common history.
    pub(crate) fn changed_since(&self, name: &str) -> Result<Option<Vec<String>>, CliError> {
        let (root, head) = match self {
            Self::Working { root } => (root, "HEAD"),
            Self::Commit { root, sha } => (root, sha.as_str()),
        };
        let Ok(repo) = Repository::open(root) else {
            return Ok(None);
        };
        let Ok(head) = commit_of(&repo, head) else {
            return Ok(None);
        };
        let Some(base) = history::merge_base(&repo, head.id(), name) else {
            return Ok(None);
        };
        let changed = match self {
            Self::Working { .. } => {
                let mut options = DiffOptions::new();
                options.include_untracked(true).recurse_untracked_dirs(true);
                repo.diff_tree_to_workdir_with_index(Some(&base), Some(&mut options))
                    .map(|diff| paths(&diff))
                    .map_err(HistoryError::from)
            }
            Self::Commit { .. } => head
                .tree()
                .map_err(HistoryError::from)
                .and_then(|tree| history::changed(&repo, &base, &tree, PATHS)),
        };
        changed.map(Some).map_err(|error| unreadable(&error))
    }
}

fn commit_of<'r>(repo: &'r Repository, rev: &str) -> Result<git2::Commit<'r>, git2::Error> {
    repo.revparse_single(rev)?.peel_to_commit()
}

/// Reads something of the tree of a commit.
fn at_commit<T>(
    root: &Path,
    sha: &str,
    read: impl FnOnce(&Repository, &git2::Tree<'_>) -> Result<T, HistoryError>,
) -> Result<T, CliError> {
    let open = || {
        let repo = Repository::open(root)?;
        let tree = commit_of(&repo, sha)?.tree()?;
        read(&repo, &tree)
    };
    open().map_err(|error| unreadable(&error))
}

fn paths(diff: &git2::Diff<'_>) -> Vec<String> {
    let both = diff
        .deltas()
        .flat_map(|delta| [delta.old_file().path_bytes(), delta.new_file().path_bytes()]);
    let paths: BTreeSet<String> = both
        .flatten()
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect();
    paths.into_iter().collect()
}

/// Most bytes that the paths of all files of a commit may have.
const PATHS: usize = 1 << 30;

/// Reads a pipeline file, of a longer one only as much as shows that it is too long: it may be a disk image, or have no end.
pub(crate) fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST_FILE as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>, CliError> {
    match File::open(path).and_then(read_bounded) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(CliError::io("read", path, &error)),
    }
}

fn unreadable(error: &HistoryError) -> CliError {
    CliError::infrastructure(format!("can't read the Git repository: {error}"))
        .with_help("check it with `git fsck`")
}

fn walk(root: &Path) -> Vec<String> {
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .parents(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let found = walker
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()))
        .filter_map(|entry| {
            entry
                .path()
                .strip_prefix(root)
                .ok()
                .map(|path| path.to_string_lossy().into_owned())
        });
    // A tracked file that an ignore rule matches is still part of the repository.
    let mut files: BTreeSet<String> = found.collect();
    files.extend(
        tracked(root)
            .into_iter()
            .filter(|file| root.join(file).symlink_metadata().is_ok()),
    );
    files.into_iter().collect()
}

fn tracked(root: &Path) -> Vec<String> {
    let Ok(index) = Repository::open(root).and_then(|repo| repo.index()) else {
        return Vec::new();
    };
    index
        .iter()
        .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
        .collect()
}
