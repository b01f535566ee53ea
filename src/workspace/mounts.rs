//! Overlay mounts, and a mount namespace to keep them in.

use std::{fs, path::Path};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
};

use crate::error::{Result, failed};

/// What became of the wish for a mount namespace of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateMounts {
    /// Mounts made from now on vanish with the process, however it ends.
    Entered,
    /// The process may not: it has no right to, or it already has several threads. Copies are made instead of mounts where
    /// mounting isn't permitted either.
    Unavailable(String),
}

/// Moves the process into a mount namespace of its own, so that `kill -9` leaves no mount behind.
///
/// Must be called before the process starts its first thread: a namespace belongs to a thread, and those that are already
/// there would stay outside.
pub fn enter_private_mounts() -> PrivateMounts {
    let threads = fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    if threads != 1 {
        return PrivateMounts::Unavailable(format!("the process already has {threads} threads"));
    }
    // Slave, not private: what is mounted outside later (a USB disk, an automount) still shows up inside.
    let entered = unshare(CloneFlags::CLONE_NEWNS).and_then(|()| {
        mount(
            None::<&str>,
            "/",
            None::<&str>,
            MsFlags::MS_SLAVE | MsFlags::MS_REC,
            None::<&str>,
        )
    });
    match entered {
        Ok(()) => PrivateMounts::Entered,
        Err(errno) => PrivateMounts::Unavailable(errno.desc().to_owned()),
    }
}

/// The directories of one overlay.
pub(crate) struct Overlay<'a> {
    /// Read only.
    pub(crate) lower: &'a Path,
    /// Takes the changes.
    pub(crate) upper: &'a Path,
    /// Scratch of the kernel, on the same file system as `upper`.
    pub(crate) work: &'a Path,
    /// Where the union appears.
    pub(crate) merged: &'a Path,
}

impl Overlay<'_> {
    /// Mounts it. `volatile` first: the kernel then doesn't write the upper layer to disk at unmount, which a layer
    /// that is thrown away doesn't need and which costs tens of milliseconds.
    pub(crate) fn mount(&self) -> Result<()> {
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            self.lower.display(),
            self.upper.display(),
            self.work.display(),
        );
        match self.mount_with(&format!("{options},volatile")) {
            Err(Errno::EINVAL) => self.mount_with(&options),
            other => other,
        }
        .map_err(|errno| failed("mount", self.merged)(errno.desc()))
    }

    fn mount_with(&self, options: &str) -> std::result::Result<(), Errno> {
        mount(
            Some("overlay"),
            self.merged,
            Some("overlay"),
            MsFlags::empty(),
            Some(options),
        )
    }
}

/// Whether the kernel can take `path` in overlay options, where `:`, `,` and `\` are special.
pub(crate) fn overlay_can_name(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|text| !text.contains([':', ',', '\\', '"']))
}

/// Takes away the mount at `path`, at once for new lookups and for good when the last user is gone; its absence is fine.
pub(crate) fn unmount(path: &Path) -> Result<()> {
    match umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT | Errno::EPERM) => Ok(()),
        Err(errno) => Err(failed("unmount", path)(errno.desc())),
    }
}

/// Whether the mount at `path` is there and nobody uses it: no open file, no working directory, no mount below it.
///
/// `MNT_EXPIRE` asks exactly this (umount(2)): the first call only marks an idle mount, and any use takes the mark away.
pub(crate) fn is_idle(path: &Path) -> bool {
    let asked = umount2(path, MntFlags::MNT_EXPIRE | MntFlags::UMOUNT_NOFOLLOW);
    asked == Err(Errno::EAGAIN)
}

/// Takes away every mount at or below `path` that this process sees, innermost first.
pub(crate) fn unmount_below(path: &Path) -> Result<()> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut points: Vec<String> = table.lines().filter_map(mount_point).collect();
    points.retain(|point| Path::new(point).starts_with(path));
    points.sort_by_key(|point| std::cmp::Reverse(point.len()));
    points
        .iter()
        .try_for_each(|point| unmount(Path::new(point)))
}

/// The mount point of a line of mountinfo (proc(5)), its octal escapes undone.
fn mount_point(line: &str) -> Option<String> {
    let field = line.split(' ').nth(4)?;
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        let code = u8::from_str_radix(rest.get(at + 1..at + 4)?, 8).ok()?;
        out.push(char::from(code));
        rest = rest.get(at + 4..)?;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_mountinfo_are_undone() {
        let line = r"36 35 98:0 / /var/my\040cache/\134x rw shared:1 - overlay overlay rw";
        assert_eq!(mount_point(line).as_deref(), Some(r"/var/my cache/\x"));
        assert_eq!(mount_point("36 35"), None);
    }

    #[test]
    fn options_with_special_characters_are_refused() {
        assert!(overlay_can_name(Path::new("/home/a b/cache")));
        for path in ["/a:b", "/a,b", r"/a\b"] {
            assert!(!overlay_can_name(Path::new(path)), "{path}");
        }
    }
}
