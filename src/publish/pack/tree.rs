//! The files of an image by their path in it.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Component, Path, PathBuf},
};

use walkdir::WalkDir;

use super::{Addition, PackError};

/// One entry of a layer.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: Kind,
    /// Mode bits, owner and group on this machine.
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
}

/// What an entry is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Directory,
    /// A file on this machine, its length, and its identity if it has several names.
    File {
        source: PathBuf,
        size: u64,
        links: Option<(u64, u64)>,
    },
    /// A symbolic link's target.
    Symlink(PathBuf),
}

/// Entries by path without the leading slash. Parents come before children because `/` sorts low enough for that: a
/// parent is always a proper prefix.
pub(super) type Tree = BTreeMap<PathBuf, Node>;

/// Collects all additions. Later ones replace earlier ones of the same path.
pub(super) fn collect(additions: &[Addition]) -> Result<Tree, PackError> {
    let mut tree = Tree::new();
    for addition in additions {
        add(&mut tree, addition)?;
    }
    Ok(tree)
}

fn add(tree: &mut Tree, addition: &Addition) -> Result<(), PackError> {
    let source = &addition.source;
    let metadata = fs::metadata(source).map_err(|error| failed(source, error))?;
    let target = inside(&addition.target)?;
    if !metadata.is_dir() {
        let target = if addition.target.ends_with('/') {
            target.join(source.file_name().unwrap_or_default())
        } else {
            target
        };
        if target.as_os_str().is_empty() {
            return Err(PackError::Invalid(format!(
                "{} would replace the root",
                source.display()
            )));
        }
        parents(tree, &target)?;
        let node = node(source, &metadata)?;
        return insert(tree, target, node);
    }
    parents(tree, &target)?;
    for entry in WalkDir::new(source).follow_links(false).sort_by_file_name() {
        let entry = entry.map_err(|error| failed(source, error))?;
        let relative = entry.path().strip_prefix(source).unwrap_or(Path::new(""));
        let at = if relative.as_os_str().is_empty() {
            target.clone()
        } else {
            target.join(relative)
        };
        if at.as_os_str().is_empty() {
            continue;
        }
        // The source itself may be a link to a directory; what lies below it is taken as it is.
        let metadata = if entry.depth() == 0 {
            metadata.clone()
        } else {
            entry
                .metadata()
                .map_err(|error| failed(entry.path(), error))?
        };
        let node = node(entry.path(), &metadata)?;
        insert(tree, at, node)?;
    }
    Ok(())
}

fn failed(path: &Path, error: impl std::fmt::Display) -> PackError {
    PackError::File {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}

/// A target as a relative path without dots.
fn inside(target: &str) -> Result<PathBuf, PackError> {
    let mut out = PathBuf::new();
    for part in Path::new(target).components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => out.push(name),
            Component::ParentDir | Component::Prefix(_) => {
                return Err(PackError::Invalid(format!(
                    "the target `{target}` holds `..`"
                )));
            }
        }
    }
    Ok(out)
}

/// Makes the directories above `path`.
fn parents(tree: &mut Tree, path: &Path) -> Result<(), PackError> {
    let above: Vec<&Path> = path
        .ancestors()
        .skip(1)
        .filter(|dir| !dir.as_os_str().is_empty())
        .collect();
    for dir in above {
        let node = tree.entry(dir.to_owned()).or_insert(Node {
            kind: Kind::Directory,
            mode: 0o755,
            uid: 0,
            gid: 0,
        });
        if !matches!(node.kind, Kind::Directory) {
            let cause = format!(
                "{} is added both as a file and as a directory",
                dir.display()
            );
            return Err(PackError::Invalid(cause));
        }
    }
    Ok(())
}

fn insert(tree: &mut Tree, path: PathBuf, node: Node) -> Result<(), PackError> {
    let was_directory = tree
        .get(&path)
        .map(|old| matches!(old.kind, Kind::Directory));
    if was_directory.is_some_and(|was| was != matches!(node.kind, Kind::Directory)) {
        let cause = format!(
            "{} is added both as a file and as a directory",
            path.display()
        );
        return Err(PackError::Invalid(cause));
    }
    tree.insert(path, node);
    Ok(())
}

fn node(path: &Path, metadata: &Metadata) -> Result<Node, PackError> {
    let kind = metadata.file_type();
    let kind = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Symlink(fs::read_link(path).map_err(|error| failed(path, error))?)
    } else if kind.is_file() {
        Kind::File {
            source: path.to_owned(),
            size: metadata.len(),
            links: (metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino())),
        }
    } else {
        let what = if kind.is_socket() {
            "a socket"
        } else if kind.is_fifo() {
            "a pipe"
        } else {
            "a device"
        };
        return Err(failed(
            path,
            format!("{what} can't be packed; leave it out"),
        ));
    };
    Ok(Node {
        kind,
        mode: metadata.mode() & 0o7777,
        uid: u64::from(metadata.uid()),
        gid: u64::from(metadata.gid()),
    })
}
