//! Selections as files that go over a wire: zip archives, gzip members, single files.

#[cfg(test)]
mod tests;
mod unzip;
mod zip;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use aqueduct_ports::workspace::{Format, Packed, StoredFile, WorkspaceError};
use flate2::{Compression, GzBuilder};

pub(crate) use self::unzip::unpack;
use crate::{
    error::{Result, failed},
    select::Found,
};

/// Packs what was found below `root` into the new file `target`.
pub(crate) fn pack(root: &Path, found: Found, format: Format, target: &Path) -> Result<Packed> {
    if found.paths.is_empty() {
        return Ok(Packed {
            selected: found.summary,
            ..Packed::default()
        });
    }
    let packed = match format {
        Format::Zip => zip::pack(root, found, target),
        Format::Gzip => gzip(root, &found, target),
        Format::Raw => raw(root, found, target),
    };
    if packed.is_err() {
        let _ = fs::remove_file(target);
    }
    packed
}

/// One member a file; together they are one gzip file.
fn gzip(root: &Path, found: &Found, target: &Path) -> Result<Packed> {
    let mut out = BufWriter::new(File::create(target).map_err(failed("create", target))?);
    let mut selected = found.summary.clone();
    for path in files(root, found) {
        let name = path.file_name().unwrap_or_default();
        let member = GzBuilder::new().filename(name.to_string_lossy().replace('\0', ""));
        let mut encoder = member.write(&mut out, Compression::default());
        let from = root.join(path);
        let mut file = File::open(&from).map_err(failed("read", &from))?;
        let bytes = io::copy(&mut file, &mut encoder).map_err(failed("pack", &from))?;
        encoder.finish().map_err(failed("write", target))?;
        selected.entries += 1;
        selected.bytes += bytes;
    }
    out.flush().map_err(failed("write", target))?;
    Ok(Packed {
        file: (selected.entries > 0).then(|| target.to_path_buf()),
        selected,
        name: String::new(),
    })
}

fn raw(root: &Path, found: Found, target: &Path) -> Result<Packed> {
    let paths: Vec<&PathBuf> = files(root, &found).collect();
    let [path] = paths.as_slice() else {
        return Err(WorkspaceError::Refused(format!(
            "this kind of report is a single file, and its paths match {}",
            paths.len()
        )));
    };
    let from = root.join(path);
    let bytes = fs::copy(&from, target).map_err(failed("copy", &from))?;
    let name = path.to_string_lossy().into_owned();
    let mut selected = found.summary;
    (selected.entries, selected.bytes) = (1, bytes);
    Ok(Packed {
        selected,
        file: Some(target.to_path_buf()),
        name,
    })
}

/// Contents of the regular files that were found.
pub(crate) fn read(root: &Path, found: &Found, limit: u64) -> Result<Vec<StoredFile>> {
    let mut left = limit;
    let mut out = Vec::new();
    for path in files(root, found) {
        let from = root.join(path);
        let mut bytes = Vec::new();
        File::open(&from)
            .and_then(|file| file.take(left.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(failed("read", &from))?;
        let name = path.to_string_lossy().into_owned();
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| WorkspaceError::TooLarge {
                what: name.clone(),
                limit,
            })?;
        out.push(StoredFile { path: name, bytes });
    }
    Ok(out)
}

/// The regular files among what was found.
fn files<'a>(root: &'a Path, found: &'a Found) -> impl Iterator<Item = &'a PathBuf> {
    let is_file =
        |path: &&PathBuf| fs::symlink_metadata(root.join(path)).is_ok_and(|meta| meta.is_file());
    found.paths.iter().filter(is_file)
}
