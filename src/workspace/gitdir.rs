//! A `.git` for the snapshot that jobs can use (`git describe`, `git rev-parse`, `git log`) and spoil without the user's
//! repository noticing: its refs, configuration and index are its own, its objects are links to or
//! copies of the user's object files.
//!
//! Hard links are right for objects and for nothing else: git never writes into an existing object file, it makes a new
//! one and renames. And a job can't either: the links lie in the lower layer of its overlay, which the kernel
//! copies before the first write. Without overlays the copy names the user's object directory in `objects/info/alternates`,
//! which git only reads.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use git2::{ErrorCode, Oid, Repository};

use crate::{
    error::{Result, failed},
    tree::copy_entry,
};

/// Objects on another file system are copied up to this many bytes; larger stores are only named as alternates.
const COPY_LIMIT: u64 = 512 << 20;

/// How the snapshot gets at the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objects {
    /// Links or copies: also for jobs that don't see the user's directories.
    Own,
    /// By path.
    Alternates,
}

/// Writes `root/.git` with `head` checked out detached (`None`: a repository without a commit). Answers what a person should
/// know.
pub(crate) fn write(
    source: &Repository,
    root: &Path,
    head: Option<Oid>,
    objects: Objects,
) -> Result<Vec<String>> {
    let git = root.join(".git");
    for dir in [
        "objects/info",
        "objects/pack",
        "refs/heads",
        "refs/tags",
        "info",
    ] {
        let dir = git.join(dir);
        fs::create_dir_all(&dir).map_err(failed("create", &dir))?;
    }
    write_file(&git.join("config"), &config(source))?;
    write_file(&git.join("HEAD"), &head_line(source, head))?;
    write_file(&git.join("packed-refs"), &packed_refs(source)?)?;
    let shallow = source.commondir().join("shallow");
    if shallow.exists() {
        copy_entry(&shallow, &git.join("shallow"))?;
    }
    let stores = object_stores(source.commondir());
    let mut notes = Vec::new();
    if objects == Objects::Alternates || !link_objects(&stores, &git.join("objects"))? {
        let mut list = String::new();
        for store in &stores {
            let _ = writeln!(list, "{}", store.display());
        }
        write_file(&git.join("objects/info/alternates"), &list)?;
        if objects == Objects::Own {
            notes.push(
                "the repository's objects are large and on another file system than the cache: \
                 `git` shows no history inside of containers"
                    .to_owned(),
            );
        }
    }
    Ok(notes)
}

/// Puts `head`'s tree into the index of the `.git` below `root`.
pub(crate) fn write_index(root: &Path, head: Oid) -> Result<()> {
    let fill = || -> std::result::Result<(), git2::Error> {
        let repository = Repository::open(root)?;
        let tree = repository.find_commit(head)?.tree()?;
        let mut index = repository.index()?;
        index.read_tree(&tree)?;
        index.write()
    };
    fill().map_err(failed("write the index of", root))
}

/// The commit that is checked out; `None` in a repository without one.
pub(crate) fn head(repository: &Repository) -> Result<Option<Oid>> {
    let peeled = repository
        .head()
        .and_then(|reference| reference.peel_to_commit());
    match peeled {
        Ok(commit) => Ok(Some(commit.id())),
        Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
            Ok(None)
        }
        Err(error) => Err(failed("read HEAD of", repository.path())(error.message())),
    }
}

fn config(source: &Repository) -> String {
    let mut text = String::from(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n",
    );
    let origin = source.find_remote("origin").ok();
    let url = origin.as_ref().and_then(|remote| remote.url().ok());
    if let Some(url) = url {
        let url = without_password(url)
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        let _ = write!(
            text,
            "[remote \"origin\"]\n\turl = \"{url}\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
        );
    }
    text
}

/// The user's stored credentials are no business of a job.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') || scheme.starts_with("http") => {
            format!("{scheme}://{host}{path}")
        }
        _ => url.to_owned(),
    }
}

fn head_line(source: &Repository, head: Option<Oid>) -> String {
    let unborn = || {
        let text = fs::read_to_string(source.path().join("HEAD")).unwrap_or_default();
        if text.starts_with("ref: ") {
            text
        } else {
            "ref: refs/heads/main\n".to_owned()
        }
    };
    head.map_or_else(unborn, |id| format!("{id}\n"))
}

/// Every ref that names an object, in the format of gitrepository-layout(5), sorted as its header says.
fn packed_refs(source: &Repository) -> Result<String> {
    let mut refs = Vec::new();
    let all = source
        .references()
        .map_err(failed("list the refs of", source.path()))?;
    for reference in all.flatten() {
        let (Some(target), Ok(name)) = (reference.target(), reference.name()) else {
            continue;
        };
        if !name.starts_with("refs/") {
            continue;
        }
        let peeled = reference
            .peel(git2::ObjectType::Any)
            .ok()
            .filter(|_| name.starts_with("refs/tags/"))
            .and_then(|object| object.peel(git2::ObjectType::Commit).ok())
            .map(|commit| commit.id())
            .filter(|id| *id != target);
        refs.push((name.to_owned(), target, peeled));
    }
    refs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut text = String::from("# pack-refs with: peeled sorted \n");
    for (name, target, peeled) in refs {
        let _ = writeln!(text, "{target} {name}");
        if let Some(peeled) = peeled {
            let _ = writeln!(text, "^{peeled}");
        }
    }
    Ok(text)
}

/// The object directory and all that it borrows from.
fn object_stores(common: &Path) -> Vec<PathBuf> {
    let mut stores = vec![common.join("objects")];
    let mut next = 0;
    while let Some(store) = stores.get(next).cloned() {
        next += 1;
        let list = fs::read_to_string(store.join("info/alternates")).unwrap_or_default();
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let other = store.join(line);
            if other.is_dir() && !stores.contains(&other) {
                stores.push(other);
            }
        }
    }
    stores
}

/// Gives `objects` every object file of the stores; false if that would copy too much.
fn link_objects(stores: &[PathBuf], objects: &Path) -> Result<bool> {
    let mut copied = 0;
    for store in stores {
        for entry in walkdir::WalkDir::new(store).min_depth(1) {
            let entry = entry.map_err(failed("read", store))?;
            let relative = entry.path().strip_prefix(store).unwrap_or(entry.path());
            let target = objects.join(relative);
            if relative == Path::new("info/alternates") {
                continue;
            }
            if entry.file_type().is_dir() {
                fs::create_dir_all(&target).map_err(failed("create", &target))?;
            } else if target.exists() || fs::hard_link(entry.path(), &target).is_ok() {
            } else {
                copied += entry.metadata().map_or(0, |meta| meta.len());
                if copied > COPY_LIMIT {
                    return Ok(false);
                }
                copy_entry(entry.path(), &target)?;
            }
        }
    }
    Ok(true)
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(failed("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_leave_the_url() {
        let table = [
            ("https://u:p@host/x.git", "https://host/x.git"),
            ("https://token@host/x.git", "https://host/x.git"),
            ("https://host/x.git", "https://host/x.git"),
            ("ssh://git@host/x.git", "ssh://git@host/x.git"),
            ("git@host:x.git", "git@host:x.git"),
            ("https://host/a:b@c", "https://host/a:b@c"),
        ];
        for (url, clean) in table {
            assert_eq!(without_password(url), clean);
        }
    }
}
