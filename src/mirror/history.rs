//! Reads commits and trees of a repository on this disk, through libgit2.
//!
//! Everything is bounded: a tree may name itself so often that listing it would never end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use aqueduct_core::{lang::context::Commit, time::Timestamp};
use git2::{ObjectType, Oid, Repository, Tree, TreeEntry};

/// Why something can't be read.
#[derive(Debug)]
pub enum HistoryError {
    /// There is no such commit.
    NoCommit(String),
    /// A list of paths has more bytes than this.
    TooMany(usize),
    /// libgit2 failed.
    Git(git2::Error),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommit(sha) => write!(f, "there is no commit {sha}"),
            Self::TooMany(limit) => write!(f, "its paths have more than {limit} bytes"),
            Self::Git(error) => f.write_str(error.message()),
        }
    }
}

impl std::error::Error for HistoryError {}

impl From<git2::Error> for HistoryError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// The commit of that full id.
pub fn find_commit<'r>(repo: &'r Repository, sha: &str) -> Result<git2::Commit<'r>, HistoryError> {
    let missing = || HistoryError::NoCommit(sha.to_owned());
    let id = Oid::from_str(sha).map_err(|_| missing())?;
    match repo.find_commit(id) {
        Err(error) if error.code() == git2::ErrorCode::NotFound => Err(missing()),
        found => Ok(found?),
    }
}

/// A file of a tree; `None` if there is no such file. The path is relative to the root and may begin with a slash; one with
/// `..` in it has no file. A file longer than `limit` bytes comes as that many blanks: it may not even fit into memory.
pub fn read(
    repo: &Repository,
    tree: &Tree<'_>,
    path: &str,
    limit: usize,
) -> Result<Option<Vec<u8>>, HistoryError> {
    let Some(path) = confine(path) else {
        return Ok(None);
    };
    let Ok(entry) = tree.get_path(path.as_ref()) else {
        return Ok(None);
    };
    if entry.kind() != Some(ObjectType::Blob) {
        return Ok(None);
    }
    let (size, _) = repo.odb()?.read_header(entry.id())?;
    if size > limit {
        return Ok(Some(vec![b' '; limit]));
    }
    Ok(Some(repo.find_blob(entry.id())?.content().to_vec()))
}

/// A path from the root without `..`; a leading `/` means the root, as in `include:local`.
pub fn confine(path: &str) -> Option<String> {
    let mut out: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            name => out.push(name),
        }
    }
    (!out.is_empty() && !path.contains('\0')).then(|| out.join("/"))
}

/// All files of a tree with their whole paths, sorted; links and submodules are files. [`HistoryError::TooMany`] if the
/// paths have more than `limit` bytes.
pub fn files(
    repo: &Repository,
    tree: &Tree<'_>,
    limit: usize,
) -> Result<Vec<String>, HistoryError> {
    Walk::new(repo, limit).run(Todo::All(tree.id(), String::new()))
}

/// The paths that differ between two trees, sorted; both names of what was renamed. Bounded as [`files`] is.
pub fn changed(
    repo: &Repository,
    old: &Tree<'_>,
    new: &Tree<'_>,
    limit: usize,
) -> Result<Vec<String>, HistoryError> {
    Walk::new(repo, limit).run(Todo::Differing(old.id(), new.id(), String::new()))
}

/// A walk over trees. It keeps a list of its own of what is left to do: trees may nest deeper than the stack is.
struct Walk<'r> {
    repo: &'r Repository,
    found: BTreeSet<String>,
    todo: Vec<Todo>,
    /// Bytes that may still be found. A folder costs, too.
    left: usize,
    limit: usize,
}

/// A folder to look at; its path ends in a slash unless it is the root.
enum Todo {
    /// All that is in it.
    All(Oid, String),
    /// What differs between two states of it.
    Differing(Oid, Oid, String),
}

impl<'r> Walk<'r> {
    fn new(repo: &'r Repository, limit: usize) -> Self {
        Self {
            repo,
            found: BTreeSet::new(),
            todo: Vec::new(),
            left: limit,
            limit,
        }
    }

    fn run(mut self, first: Todo) -> Result<Vec<String>, HistoryError> {
        self.todo.push(first);
        while let Some(todo) = self.todo.pop() {
            match todo {
                Todo::All(tree, folder) => {
                    for entry in &self.repo.find_tree(tree)? {
                        self.entry(&entry, &folder)?;
                    }
                }
                Todo::Differing(old, new, folder) if old != new => {
                    self.differing(old, new, &folder)?;
                }
                Todo::Differing(..) => {}
            }
        }
        Ok(self.found.into_iter().collect())
    }

    fn path(&mut self, folder: &str, name: &[u8]) -> Result<String, HistoryError> {
        let path = format!("{folder}{}", String::from_utf8_lossy(name));
        self.left = self
            .left
            .checked_sub(path.len() + 1)
            .ok_or(HistoryError::TooMany(self.limit))?;
        Ok(path)
    }

    fn entry(&mut self, entry: &TreeEntry<'_>, folder: &str) -> Result<(), HistoryError> {
        let path = self.path(folder, entry.name_bytes())?;
        if is_tree(entry) {
            self.todo.push(Todo::All(entry.id(), path + "/"));
        } else {
            self.found.insert(path);
        }
        Ok(())
    }

    fn differing(&mut self, old: Oid, new: Oid, folder: &str) -> Result<(), HistoryError> {
        let (old, new) = (self.repo.find_tree(old)?, self.repo.find_tree(new)?);
        let (old, new) = (by_name(&old), by_name(&new));
        let names: BTreeSet<&Vec<u8>> = old.keys().chain(new.keys()).collect();
        for name in names {
            match (old.get(name), new.get(name)) {
                (Some(one), Some(other)) if is_same(one, other) => {}
                (Some(one), Some(other)) if is_tree(one) && is_tree(other) => {
                    let path = self.path(folder, name)? + "/";
                    self.todo.push(Todo::Differing(one.id(), other.id(), path));
                }
                (one, other) => {
                    for entry in [one, other].into_iter().flatten() {
                        self.entry(entry, folder)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_tree(entry: &TreeEntry<'_>) -> bool {
    entry.kind() == Some(ObjectType::Tree)
}

fn is_same(one: &TreeEntry<'_>, other: &TreeEntry<'_>) -> bool {
    (one.id(), one.filemode()) == (other.id(), other.filemode())
}

fn by_name<'t>(tree: &'t Tree<'_>) -> BTreeMap<Vec<u8>, TreeEntry<'t>> {
    tree.iter()
        .map(|entry| (entry.name_bytes().to_vec(), entry))
        .collect()
}

/// The tree of the merge base with a branch, a tag or a commit; `None` if there is no such ref or no common history. A branch
/// that was never checked out here is known as one of `origin`.
pub fn merge_base<'r>(repo: &'r Repository, head: Oid, name: &str) -> Option<Tree<'r>> {
    let commit = |spec: &str| repo.revparse_single(spec).ok()?.peel_to_commit().ok();
    let short = name.strip_prefix("refs/heads/").unwrap_or(name);
    let other = commit(name).or_else(|| commit(&format!("refs/remotes/origin/{short}")))?;
    let base = repo.merge_base(head, other.id()).ok()?;
    repo.find_commit(base).ok()?.tree().ok()
}

/// The commit as people see it.
pub fn facts(commit: &git2::Commit<'_>) -> Commit {
    let author = commit.author();
    let time = commit.time();
    Commit {
        message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        author: format!(
            "{} <{}>",
            String::from_utf8_lossy(author.name_bytes()),
            String::from_utf8_lossy(author.email_bytes())
        ),
        timestamp: Timestamp(time.seconds().saturating_mul(1000))
            .rfc3339_at(time.offset_minutes())
            .unwrap_or_default(),
        tag_message: None,
    }
}

/// The message of an annotated tag, by its full name.
pub fn tag_message(repo: &Repository, name: &str) -> Option<String> {
    let tag = repo.find_reference(name).ok()?.peel_to_tag().ok()?;
    let message = tag.message_bytes()?;
    Some(String::from_utf8_lossy(message).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_tree() {
        let table = [
            ("/ci/a.yml", Some("ci/a.yml")),
            ("./a.yml", Some("a.yml")),
            ("a//b/", Some("a/b")),
            ("../a.yml", None),
            ("a/../../b", None),
            ("a/..", None),
            ("/", None),
            ("a\0b", None),
        ];
        for (path, expected) in table {
            assert_eq!(confine(path).as_deref(), expected, "{path}");
        }
    }
}
