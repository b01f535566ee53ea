//! Zip archives as GitLab Runner makes them: relative paths, unix modes, links as links, times to the second.

use std::{
    fs::{self, File, Metadata},
    io::{self, BufWriter, Write as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use aqueduct_ports::workspace::Packed;
use zip::{CompressionMethod, ZipWriter, write::FullFileOptions};

use crate::{
    error::{Result, failed},
    select::Found,
};

/// Above this a file's sizes need the long form.
const LONG: u64 = u32::MAX as u64 / 2;

/// Packs what was found.
pub(super) fn pack(root: &Path, found: Found, target: &Path) -> Result<Packed> {
    let file = File::create(target).map_err(failed("create", target))?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let mut selected = found.summary;
    for path in &found.paths {
        let from = root.join(path);
        let Some(name) = path.to_str() else {
            let shown = path.display();
            selected
                .refused
                .push(format!("{shown}: the name is not UTF-8"));
            continue;
        };
        let meta = match fs::symlink_metadata(&from) {
            // It has vanished meanwhile.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(failed("read", &from))?,
        };
        let Some(bytes) = add(&mut zip, &from, name, &meta).map_err(failed("pack", &from))? else {
            continue;
        };
        selected.entries += 1;
        selected.bytes += bytes;
    }
    let mut out = zip.finish().map_err(failed("write", target))?;
    out.flush().map_err(failed("write", target))?;
    Ok(Packed {
        selected,
        file: Some(target.to_path_buf()),
        name: String::new(),
    })
}

/// Adds one entry; `None` for what has no content (sockets, pipes, devices).
fn add(
    zip: &mut ZipWriter<BufWriter<File>>,
    from: &Path,
    name: &str,
    meta: &Metadata,
) -> io::Result<Option<u64>> {
    let kind = meta.file_type();
    let options = FullFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(meta.mode() & 0o7777)
        .large_file(meta.len() > LONG)
        .with_extended_timestamp(u32::try_from(meta.mtime()).ok(), None, None)?;
    if kind.is_dir() {
        zip.add_directory(name, options)?;
        return Ok(Some(0));
    }
    if kind.is_symlink() {
        let to = fs::read_link(from)?;
        zip.add_symlink(name, to.to_string_lossy(), options)?;
        return Ok(Some(0));
    }
    if !kind.is_file() {
        return Ok(None);
    }
    let mut file = File::open(from)?;
    zip.start_file(name, options)?;
    io::copy(&mut file, zip).map(Some)
}
