//! Making files beneath one directory and nowhere else.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use rustix::{
    fs::{
        AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, mkdirat,
        openat, openat2, readlinkat, statat, unlinkat, utimensat,
    },
    io::Errno,
};

/// Links to nowhere that are followed to make one directory; the kernel follows as many.
const LINKS: u32 = 40;

/// A directory being filled.
#[derive(Debug)]
pub(super) struct Tree {
    root: Rc<OwnedFd>,
    /// The directory that the last entry went into: entries come sorted by it.
    last: Option<(PathBuf, Rc<OwnedFd>)>,
    /// Directories whose time is to be set once nothing is put into them any more.
    times: Vec<(PathBuf, i64)>,
}

/// Where an entry goes: its directory and its name there.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: Rc<OwnedFd>,
    pub(super) name: OsString,
}

impl Place {
    /// What is there.
    pub(super) fn kind(&self) -> io::Result<Option<FileType>> {
        Ok(self
            .stat()?
            .map(|stat| FileType::from_raw_mode(stat.st_mode)))
    }

    /// Whether this layer hides what lower ones have there.
    pub(super) fn is_whiteout(&self) -> io::Result<bool> {
        Ok(self.stat()?.is_some_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
        }))
    }

    fn stat(&self) -> io::Result<Option<Stat>> {
        match statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            other => Ok(Some(other?)),
        }
    }
}

impl Tree {
    /// Of the directory `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let root = openat(
            CWD,
            path,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Self {
            root: Rc::new(root),
            last: None,
            times: Vec::new(),
        })
    }

    /// The directory itself.
    pub(super) fn root(&self) -> Rc<OwnedFd> {
        Rc::clone(&self.root)
    }

    /// Finds the directory of `path`, which [`clean`] made, and makes what of it isn't there yet.
    pub(super) fn place(&mut self, path: &Path) -> io::Result<Place> {
        let name = path.file_name().unwrap_or(OsStr::new(".")).to_owned();
        let parent = path.parent().unwrap_or(Path::new(""));
        if let Some((known, dir)) = &self.last
            && known == parent
        {
            return Ok(Place {
                dir: Rc::clone(dir),
                name,
            });
        }
        let dir = self.directory(parent)?;
        self.last = Some((parent.to_owned(), Rc::clone(&dir)));
        Ok(Place { dir, name })
    }

    /// The directory of an existing file, for a hard link to it.
    pub(super) fn existing(&self, path: &Path) -> io::Result<Place> {
        Ok(Place {
            dir: self.beneath(path.parent().unwrap_or(Path::new("")))?,
            name: path.file_name().unwrap_or(OsStr::new(".")).to_owned(),
        })
    }

    /// Removes what is at `place`, unless both that and what comes are directories. Whether a directory stays.
    pub(super) fn make_way(&mut self, place: &Place, for_directory: bool) -> io::Result<bool> {
        let Some(kind) = place.kind()? else {
            return Ok(false);
        };
        let is_directory = kind == FileType::Directory;
        if is_directory && for_directory {
            return Ok(true);
        }
        // The directory kept open may be below.
        self.last = None;
        if is_directory {
            remove_tree(&place.dir, &place.name)?;
        } else {
            unlinkat(&place.dir, &place.name, AtFlags::empty())?;
        }
        Ok(false)
    }

    /// Sets a directory's time at the end.
    pub(super) fn remember_time(&mut self, path: PathBuf, seconds: i64) {
        self.times.push((path, seconds));
    }

    /// Sets the times of directories.
    pub(super) fn finish(self) -> io::Result<()> {
        for (path, seconds) in self.times.iter().rev() {
            // A later entry may have replaced it.
            if let Ok(dir) = self.beneath(path) {
                set_time(dir.as_fd(), OsStr::new("."), *seconds)?;
            }
        }
        Ok(())
    }

    fn directory(&self, path: &Path) -> io::Result<Rc<OwnedFd>> {
        self.directory_through(path, LINKS)
    }

    /// Makes what of `path` isn't there, behind at most `links` links to directories that aren't there either.
    fn directory_through(&self, path: &Path, links: u32) -> io::Result<Rc<OwnedFd>> {
        match self.beneath(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let mut dir = self.root();
        let mut walked = PathBuf::new();
        for part in path {
            let parent = walked.clone();
            walked.push(part);
            dir = match self.beneath(&walked) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match mkdirat(&dir, part, Mode::from_raw_mode(0o755)) {
                        Ok(()) => self.beneath(&walked)?,
                        // A link that leads nowhere yet.
                        Err(Errno::EXIST) if links > 0 => {
                            let target = readlinkat(&dir, part, Vec::new())?;
                            let target = parent.join(OsStr::from_bytes(target.to_bytes()));
                            self.directory_through(&within(&target), links - 1)?
                        }
                        Err(Errno::EXIST) => return Err(Errno::LOOP.into()),
                        Err(error) => return Err(error.into()),
                    }
                }
                other => other?,
            };
        }
        Ok(dir)
    }

    fn beneath(&self, path: &Path) -> io::Result<Rc<OwnedFd>> {
        if path.as_os_str().is_empty() {
            return Ok(self.root());
        }
        let opened = openat2(
            &self.root,
            path,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )?;
        Ok(Rc::new(opened))
    }
}

/// A path of a tar without `.`, doubled and leading slashes: absolute ones mean the layer's root. Empty for the root
/// itself; `None` if it has a `..` or a zero byte.
pub(super) fn clean(path: &Path) -> Option<PathBuf> {
    if path.as_os_str().as_bytes().contains(&0) {
        return None;
    }
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => out.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

/// What a link's target means where the layer is the root: `..` ends there.
fn within(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => out.push(part),
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    out
}

/// Modification time, of a link itself too.
pub(super) fn set_time(dir: impl AsFd, name: &OsStr, seconds: i64) -> io::Result<()> {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn remove_tree(dir: impl AsFd, name: &OsStr) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let this = openat(&dir, name, flags, Mode::empty())?;
    let entries: Vec<_> = rustix::fs::Dir::read_from(&this)?.collect::<Result<_, _>>()?;
    for entry in entries {
        let inner = OsStr::from_bytes(entry.file_name().to_bytes());
        if inner == "." || inner == ".." {
            continue;
        }
        match unlinkat(&this, inner, AtFlags::empty()) {
            Err(Errno::ISDIR) => remove_tree(&this, inner)?,
            other => other?,
        }
    }
    Ok(unlinkat(dir, name, AtFlags::REMOVEDIR)?)
}
