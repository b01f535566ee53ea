//! One entry of a layer (image-spec 1.1, "layer").

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::{
        fd::AsFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, FileType, Gid, Mode, OFlags, Uid, XattrFlags, chmodat, chownat, fsetxattr, linkat,
        makedev, mkdirat, mknodat, openat, symlinkat,
    },
    io::Errno,
};
use tar::EntryType;

use super::{
    UnpackError,
    tree::{Place, Tree, clean, set_time},
};

/// In front of the name of a file that a lower layer has and this one removes.
const WHITEOUT: &[u8] = b".wh.";
/// Hides everything that lower layers have in the entry's directory.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// How PAX headers name extended attributes.
const XATTR: &str = "SCHILY.xattr.";
/// How PAX headers say that a file has holes.
const SPARSE: &[u8] = b"GNU.sparse.";

/// Makes what the entry says.
pub(super) fn unpack_entry<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    tree: &mut Tree,
) -> Result<(), UnpackError> {
    let raw = PathBuf::from(OsStr::from_bytes(&entry.path_bytes()));
    let name = raw.display().to_string();
    if entry.header().entry_type() == EntryType::XGlobalHeader {
        return Ok(());
    }
    let Some(path) = clean(&raw) else {
        return Err(refused(&name, "it leads out of the layer"));
    };
    let mut make = || -> io::Result<Option<&'static str>> {
        if path.as_os_str().is_empty() {
            return root(entry, tree);
        }
        let place = tree.place(&path)?;
        match place.name.as_bytes() {
            OPAQUE => opaque(&place.dir, OsStr::new(".")).map(|()| None),
            other => match other.strip_prefix(WHITEOUT) {
                // Bookkeeping of aufs.
                Some(hidden) if hidden.starts_with(WHITEOUT) => Ok(None),
                Some(hidden) => whiteout(&place, OsStr::from_bytes(hidden)),
                None => file(entry, tree, &path, &place),
            },
        }
    };
    match make() {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(refused(&name, reason)),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            Err(refused(&name, "it leads through a loop of symbolic links"))
        }
        Err(source) => Err(UnpackError::Write { name, source }),
    }
}

fn refused(name: &str, reason: &str) -> UnpackError {
    UnpackError::Refused {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The layer's own directory.
fn root<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    tree: &mut Tree,
) -> io::Result<Option<&'static str>> {
    if entry.header().entry_type() != EntryType::Directory {
        return Ok(Some("only a directory can be the root"));
    }
    let place = Place {
        dir: tree.root(),
        name: ".".into(),
    };
    metadata(entry, &place)?;
    tree.remember_time(PathBuf::new(), seconds(entry)?);
    Ok(None)
}

fn file<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    tree: &mut Tree,
    path: &Path,
    place: &Place,
) -> io::Result<Option<&'static str>> {
    let kind = entry.header().entry_type();
    if is_sparse(entry)? {
        return Ok(Some("sparse files are read in GNU's old format only"));
    }
    let hides_lower = kind == EntryType::Directory && place.is_whiteout()?;
    let stays = tree.make_way(place, kind == EntryType::Directory)?;
    match kind {
        EntryType::Directory => {
            if !stays {
                mkdirat(&place.dir, &place.name, Mode::from_raw_mode(0o755))?;
            }
            if hides_lower {
                opaque(&place.dir, &place.name)?;
            }
            metadata(entry, place)?;
            tree.remember_time(path.to_owned(), seconds(entry)?);
            return Ok(None);
        }
        EntryType::Symlink => {
            let target = link_target(entry);
            symlinkat(&target, &place.dir, &place.name)?;
            owner(entry, place)?;
        }
        EntryType::Link => return hard_link(&link_target(entry), tree, place),
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            device(entry, place)?;
            owner_and_mode(entry, place)?;
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            content(entry, place)?;
            metadata(entry, place)?;
        }
        _ => return Ok(Some("its type is unknown")),
    }
    set_time(&place.dir, &place.name, seconds(entry)?)?;
    Ok(None)
}

/// Whether the content begins with a map of what it leaves out, which would pass for content.
fn is_sparse<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<bool> {
    for extension in entry.pax_extensions()?.into_iter().flatten() {
        if extension?.key_bytes().starts_with(SPARSE) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn content<R: Read>(entry: &mut tar::Entry<'_, R>, place: &Place) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&place.dir, &place.name, flags, Mode::from_raw_mode(0o600))?;
    io::copy(entry, &mut File::from(file)).map(drop)
}

fn hard_link(target: &Path, tree: &Tree, place: &Place) -> io::Result<Option<&'static str>> {
    let Some(target) = clean(target).filter(|target| !target.as_os_str().is_empty()) else {
        return Ok(Some("its link's target leads out of the layer"));
    };
    // Without AT_SYMLINK_FOLLOW a link to a link is a second name of that link.
    let linked = tree.existing(&target).and_then(|target| {
        let (dir, name) = (&target.dir, &target.name);
        Ok(linkat(
            dir,
            name,
            &place.dir,
            &place.name,
            AtFlags::empty(),
        )?)
    });
    match linked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(
            "it is a hard link to a file that the layer does not hold",
        )),
        other => other.map(|()| None),
    }
}

fn device<R: Read>(entry: &tar::Entry<'_, R>, place: &Place) -> io::Result<()> {
    let header = entry.header();
    let kind = match header.entry_type() {
        EntryType::Char => FileType::CharacterDevice,
        EntryType::Block => FileType::BlockDevice,
        _ => FileType::Fifo,
    };
    let device = if kind == FileType::Fifo {
        0
    } else {
        let part = |part: io::Result<Option<u32>>| part.map(Option::unwrap_or_default);
        makedev(part(header.device_major())?, part(header.device_minor())?)
    };
    mknodat(
        &place.dir,
        &place.name,
        kind,
        Mode::from_raw_mode(0o600),
        device,
    )?;
    Ok(())
}

/// overlayfs's form: a character device 0:0. A whiteout speaks of lower layers only: what this one puts under the same
/// name stays, whichever comes first in the tar.
fn whiteout(place: &Place, hidden: &OsStr) -> io::Result<Option<&'static str>> {
    if hidden.is_empty() || hidden == "." || hidden == ".." {
        return Ok(Some("it hides no name"));
    }
    let place = Place {
        dir: place.dir.clone(),
        name: hidden.to_owned(),
    };
    match place.kind()? {
        // An empty directory on top of one would show that one's files.
        Some(FileType::Directory) => opaque(&place.dir, &place.name)?,
        Some(_) => {}
        None => mknodat(
            &place.dir,
            &place.name,
            FileType::CharacterDevice,
            Mode::empty(),
            makedev(0, 0),
        )?,
    }
    Ok(None)
}

/// overlayfs's form: an attribute of the directory.
fn opaque(dir: impl AsFd, name: &OsStr) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = openat(dir, name, flags, Mode::empty())?;
    fsetxattr(dir, c"trusted.overlay.opaque", b"y", XattrFlags::empty())?;
    Ok(())
}

/// Owner first, since that clears the set-user-id bits; attributes last, since capabilities go with the owner's change.
fn metadata<R: Read>(entry: &mut tar::Entry<'_, R>, place: &Place) -> io::Result<()> {
    owner_and_mode(entry, place)?;
    attributes(entry, place)
}

fn owner_and_mode<R: Read>(entry: &tar::Entry<'_, R>, place: &Place) -> io::Result<()> {
    owner(entry, place)?;
    let mode = Mode::from_raw_mode(entry.header().mode()? & 0o7777);
    Ok(chmodat(&place.dir, &place.name, mode, AtFlags::empty())?)
}

fn owner<R: Read>(entry: &tar::Entry<'_, R>, place: &Place) -> io::Result<()> {
    let id = |id: u64| u32::try_from(id).map_err(io::Error::other);
    let (uid, gid) = (id(entry.header().uid()?)?, id(entry.header().gid()?)?);
    chownat(
        &place.dir,
        &place.name,
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
        AtFlags::SYMLINK_NOFOLLOW,
    )?;
    Ok(())
}

fn attributes<R: Read>(entry: &mut tar::Entry<'_, R>, place: &Place) -> io::Result<()> {
    let Some(extensions) = entry.pax_extensions()? else {
        return Ok(());
    };
    let mut file = None;
    for extension in extensions {
        let extension = extension?;
        let Some(name) = extension.key().ok().and_then(|key| key.strip_prefix(XATTR)) else {
            continue;
        };
        // overlayfs's own would let a layer look into directories of the machine.
        if name.contains("overlay.") || name.starts_with("trusted.") {
            continue;
        }
        if file.is_none() {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            file = Some(openat(&place.dir, &place.name, flags, Mode::empty())?);
        }
        if let Some(file) = &file {
            match fsetxattr(
                file.as_fd(),
                name,
                extension.value_bytes(),
                XattrFlags::empty(),
            ) {
                // The file system may not know labels and lists; only capabilities change what runs.
                Err(Errno::NOTSUP | Errno::INVAL) if name != "security.capability" => {}
                other => other?,
            }
        }
    }
    Ok(())
}

fn link_target<R: Read>(entry: &tar::Entry<'_, R>) -> PathBuf {
    let bytes = entry.link_name_bytes().unwrap_or_default();
    std::ffi::OsString::from_vec(bytes.into_owned()).into()
}

fn seconds<R: Read>(entry: &tar::Entry<'_, R>) -> io::Result<i64> {
    Ok(i64::try_from(entry.header().mtime()?).unwrap_or(0))
}
