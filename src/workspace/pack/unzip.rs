//! Zip archives from elsewhere. What is in them is not trusted.

use std::{
    fs::{self, File, FileTimes, Permissions},
    io::{self, BufReader, Read, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aqueduct_ports::workspace::WorkspaceError;
use zip::{ExtraField, ZipArchive, read::ZipFile};

use crate::{
    error::{Result, failed},
    quota::{Gauge, Quota},
};

/// Longest target of a link.
const MAX_LINK: u64 = 4096;

/// Copied at a time.
const PIECE: usize = 128 * 1024;

/// Unpacks `archive` into the new directory `into`, no more than `quota` allows. Links come last, so that nothing is written through one; where they lead
/// is for whoever copies them on to judge.
pub(crate) fn unpack(archive: &Path, into: &Path, quota: Quota) -> Result<()> {
    let file = File::open(archive).map_err(failed("open", archive))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(&error))?;
    fs::create_dir(into).map_err(failed("create", into))?;
    let mut gauge = Gauge::new(quota, into);
    let mut links: Vec<(PathBuf, String)> = Vec::new();
    let mut dirs: Vec<(PathBuf, u32)> = Vec::new();
    for index in 0..zip.len() {
        gauge.entry()?;
        let mut entry = zip.by_index(index).map_err(|error| damaged(&error))?;
        let target = into.join(path_of(&entry)?);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(failed("create", parent))?;
        }
        if entry.is_dir() {
            fs::create_dir_all(&target).map_err(failed("create", &target))?;
            dirs.extend(entry.unix_mode().map(|mode| (target, mode)));
        } else if entry.is_symlink() {
            let mut to = String::new();
            let read = entry.by_ref().take(MAX_LINK).read_to_string(&mut to);
            read.map_err(|error| damaged(&error.into()))?;
            links.push((target, to));
        } else {
            write(&mut entry, &target, &mut gauge)?;
        }
    }
    for (path, to) in links {
        symlink(&to, &path).map_err(failed("create", &path))?;
    }
    for (path, mode) in dirs.iter().rev() {
        // Whoever unpacks must be able to read it.
        let permissions = Permissions::from_mode(mode & 0o7777 | 0o700);
        fs::set_permissions(path, permissions).map_err(failed("create", path))?;
    }
    Ok(())
}

fn write<R: Read>(entry: &mut ZipFile<'_, R>, target: &Path, gauge: &mut Gauge<'_>) -> Result<()> {
    let mut file = File::create(target).map_err(failed("create", target))?;
    copy(entry, &mut file, target, gauge)?;
    if let Some(mode) = entry.unix_mode() {
        let permissions = Permissions::from_mode(mode & 0o777 | 0o600);
        file.set_permissions(permissions)
            .map_err(failed("create", target))?;
    }
    let modified = entry.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(times) => times.mod_time(),
        _ => None,
    });
    if let Some(seconds) = modified {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
        // A time that can't be set is no failure.
        let _ = file.set_times(FileTimes::new().set_modified(time));
    }
    Ok(())
}

fn copy<R: Read>(
    entry: &mut ZipFile<'_, R>,
    file: &mut File,
    target: &Path,
    gauge: &mut Gauge<'_>,
) -> Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = match entry.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(&error.into())),
        };
        gauge.write(length as u64)?;
        let bytes = piece.get(..length).unwrap_or_default();
        file.write_all(bytes).map_err(failed("write", target))?;
    }
}

fn path_of<R: Read>(entry: &ZipFile<'_, R>) -> Result<PathBuf> {
    let path = entry
        .enclosed_name()
        .filter(|path| !path.as_os_str().is_empty());
    path.ok_or_else(|| {
        let name = entry.name().unwrap_or_default().escape_debug().to_string();
        WorkspaceError::Refused(format!("the archive's entry '{name}' leads out of it"))
    })
}

fn damaged(error: &zip::result::ZipError) -> WorkspaceError {
    WorkspaceError::Refused(format!("the archive is damaged: {error}"))
}
