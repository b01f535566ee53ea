//! Copying and removing trees.
//!
//! Files are copied with `copy_file_range`, which shares blocks where the file system can (btrfs, XFS) and copies in the kernel
//! elsewhere. Never hard links: two names of one inode would let a job that writes in place change its origin.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nix::sys::{
    stat::{UtimensatFlags, utimensat},
    time::TimeSpec,
};

use crate::error::{Result, failed};

/// Copies one file, link or (without its content) directory, with mode and modification time, replacing whatever is at `to`.
/// Answers the bytes copied; `None` for what has no content to copy (sockets, pipes, devices) or has vanished meanwhile.
pub(crate) fn copy_entry(from: &Path, to: &Path) -> Result<Option<u64>> {
    let meta = match fs::symlink_metadata(from) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed("read", from))?,
    };
    let kind = meta.file_type();
    if kind.is_dir() {
        make_dir(to, meta.mode())?;
        return Ok(Some(0));
    }
    if kind.is_symlink() {
        clear(to)?;
        let target = fs::read_link(from).map_err(failed("read", from))?;
        symlink(target, to).map_err(failed("create", to))?;
        set_mtime(to, &meta)?;
        return Ok(Some(0));
    }
    if !kind.is_file() {
        return Ok(None);
    }
    clear(to)?;
    let bytes = match fs::copy(from, to) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(None),
        Err(cause) if blames_target(&cause) => return Err(failed("write", to)(cause)),
        other => other.map_err(failed("copy", from))?,
    };
    set_mtime(to, &meta)?;
    Ok(Some(bytes))
}

/// Whether a copy failed for want of room at its target, so that nobody looks for the fault at its source.
fn blames_target(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Copies everything below `from` into the existing directory `to`.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let mut dirs = Vec::new();
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.map_err(failed("read", from))?;
        let path = entry.path();
        let target = to.join(path.strip_prefix(from).unwrap_or(path));
        copy_entry(path, &target)?;
        if entry.file_type().is_dir() {
            dirs.push((path.to_path_buf(), target));
        }
    }
    restore_dir_times(&dirs);
    Ok(())
}

/// Gives copied directories their origin's times, once their content is complete. A time that can't be set is no failure.
pub(crate) fn restore_dir_times(dirs: &[(PathBuf, PathBuf)]) {
    for (from, to) in dirs.iter().rev() {
        if let Ok(meta) = fs::symlink_metadata(from) {
            let _ = set_mtime(to, &meta);
        }
    }
}

/// Removes `path` and everything below it, whatever its modes; its absence is fine.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    let first = match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(failed("remove", path)(cause)),
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    match first {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => {
            // Directories without write or search permission (Go's module cache, for one) stop everybody but root.
            open_up(path);
            fs::remove_dir_all(path).map_err(failed("remove", path))
        }
    }
}

/// Gives the owner full access to every directory below `path`.
fn open_up(path: &Path) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return;
    };
    if !meta.is_dir() {
        return;
    }
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(meta.mode() | 0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        open_up(&entry.path());
    }
}

/// Makes a directory, keeping one that is there and replacing anything else (a link is never followed).
fn make_dir(path: &Path, mode: u32) -> Result<()> {
    let is_dir = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    if !is_dir {
        clear(path)?;
        fs::create_dir(path).map_err(failed("create", path))?;
    }
    // The copy's owner must be able to fill it.
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777 | 0o700))
        .map_err(failed("create", path))
}

/// Takes away what is at `path`, so that nothing is written through a link or into a shared inode.
fn clear(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(meta) if meta.is_dir() => remove_tree(path),
        Ok(_) => fs::remove_file(path).map_err(failed("replace", path)),
    }
}

fn set_mtime(path: &Path, meta: &fs::Metadata) -> Result<()> {
    utimensat(
        nix::fcntl::AT_FDCWD,
        path,
        &TimeSpec::new(meta.atime(), meta.atime_nsec()),
        &TimeSpec::new(meta.mtime(), meta.mtime_nsec()),
        UtimensatFlags::NoFollowSymlink,
    )
    .map_err(failed("set the time of", path))
}
