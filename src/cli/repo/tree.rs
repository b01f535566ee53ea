//! The files a pipeline is compiled from: the working tree, or the tree of a commit.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use aqueduct_core::yaml::Limits;
use git2::{DiffOptions, Repository, TreeWalkMode, TreeWalkResult};
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
        let Some(relative) = confine(path) else {
            return Ok(None);
        };
        match self {
            Self::Working { root } => read_file(&root.join(relative)),
            Self::Commit { root, sha } => read_blob(root, sha, &relative),
        }
    }

    /// All files, as `a/b.c`, sorted: tracked ones and those that are neither tracked nor ignored.
    pub(crate) fn list(&self) -> Result<Vec<String>, CliError> {
        match self {
            Self::Working { root } => Ok(walk(root)),
            Self::Commit { root, sha } => list_commit(root, sha),
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
        let Some(base) = merge_base(&repo, head, name) else {
            return Ok(None);
        };
        let changed = match self {
            Self::Working { .. } => {
                let mut options = DiffOptions::new();
                options.include_untracked(true).recurse_untracked_dirs(true);
                repo.diff_tree_to_workdir_with_index(Some(&base), Some(&mut options))
            }
            Self::Commit { .. } => commit_tree(&repo, head)
                .and_then(|tree| repo.diff_tree_to_tree(Some(&base), Some(&tree), None)),
        };
        changed
            .map(|diff| Some(paths(&diff)))
            .map_err(|error| git_error(&error))
    }
}

/// The tree of the merge base. A branch that was never checked out here is known as one of `origin`.
fn merge_base<'r>(repo: &'r Repository, head: &str, name: &str) -> Option<git2::Tree<'r>> {
    let commit = |spec: &str| repo.revparse_single(spec).ok()?.peel_to_commit().ok();
    let short = name.strip_prefix("refs/heads/").unwrap_or(name);
    let other = commit(name).or_else(|| commit(&format!("refs/remotes/origin/{short}")))?;
    let base = repo.merge_base(commit(head)?.id(), other.id()).ok()?;
    repo.find_commit(base).ok()?.tree().ok()
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

/// A path from the root without `..`; a leading `/` means the root, as in `include:local`.
fn confine(path: &str) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in Path::new(path.trim_start_matches('/')).components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!out.as_os_str().is_empty()).then_some(out)
}

/// A byte more than a pipeline file may have, so that a longer one is told from one that just fits.
const LONGEST: usize = Limits::LANGUAGE.bytes + 1;

/// Reads a pipeline file, of a longer one only as much as shows that it is too long: it may be a disk image, or have no end.
pub(crate) fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST as u64).read_to_end(&mut bytes)?;
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

fn git_error(error: &git2::Error) -> CliError {
    CliError::infrastructure(format!(
        "can't read the Git repository: {}",
        error.message()
    ))
    .with_help("check it with `git fsck`")
}

fn commit_tree<'r>(repo: &'r Repository, sha: &str) -> Result<git2::Tree<'r>, git2::Error> {
    repo.revparse_single(sha)?.peel_to_tree()
}

fn read_blob(root: &Path, sha: &str, path: &Path) -> Result<Option<Vec<u8>>, CliError> {
    let repo = Repository::open(root).map_err(|error| git_error(&error))?;
    let tree = commit_tree(&repo, sha).map_err(|error| git_error(&error))?;
    let Ok(entry) = tree.get_path(path) else {
        return Ok(None);
    };
    Ok(repo.find_blob(entry.id()).ok().map(|blob| {
        let bytes = blob.content();
        bytes[..bytes.len().min(LONGEST)].to_vec()
    }))
}

fn list_commit(root: &Path, sha: &str) -> Result<Vec<String>, CliError> {
    let repo = Repository::open(root).map_err(|error| git_error(&error))?;
    let tree = commit_tree(&repo, sha).map_err(|error| git_error(&error))?;
    let mut files = Vec::new();
    tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        if entry.kind() != Some(git2::ObjectType::Tree) {
            let name = String::from_utf8_lossy(entry.name_bytes());
            files.push(format!("{folder}{name}"));
        }
        TreeWalkResult::Ok
    })
    .map_err(|error| git_error(&error))?;
    files.sort_unstable();
    Ok(files)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_tree() {
        assert_eq!(confine("/ci/a.yml"), Some(PathBuf::from("ci/a.yml")));
        assert_eq!(confine("./a.yml"), Some(PathBuf::from("a.yml")));
        assert_eq!(confine("../a.yml"), None);
        assert_eq!(confine("a/../../b"), None);
        assert_eq!(confine("/"), None);
    }
}
