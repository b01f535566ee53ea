//! The text that a shell runs, handed over in memory: a file on disk would cost a short job more than its commands.

use std::{
    ffi::CStr,
    fs::File,
    io::{self, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd},
};

use nix::{
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
};

/// The number under which the shell finds it.
pub(super) const DESCRIPTOR: RawFd = 3;
/// What the shell is told to run. Opening it gives the shell a descriptor and an offset of its own.
pub(super) const PATH: &CStr = c"/proc/self/fd/3";

/// A script that nobody can change any more.
#[derive(Debug)]
pub(super) struct Script(OwnedFd);

impl Script {
    /// Holds `text`, after a command that closes the number it was handed over with: no program of the job inherits that.
    /// It takes no line of its own, so that messages count the lines of `text`.
    pub(super) fn new(text: &str) -> io::Result<Self> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let mut file = File::from(memfd_create(c"script", flags)?);
        let text = format!("exec {DESCRIPTOR}<&-;{text}");
        file.write_all(text.as_bytes())?;
        let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals | SealFlag::F_SEAL_SEAL))?;
        Ok(Self(file.into()))
    }
}

impl AsFd for Script {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
