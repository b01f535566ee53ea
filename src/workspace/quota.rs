//! How much of the disk the archives of others may take.

use std::path::Path;

use aqueduct_ports::workspace::WorkspaceError;
use nix::sys::statvfs::statvfs;

use crate::error::Result;

/// Between two looks at what the disk has left.
const LOOK_AFTER: u64 = 16 << 20;

/// What an archive may unpack to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of its files.
    pub bytes: u64,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes that stay free on the disk, for whoever else has something there.
    pub reserve: u64,
}

impl Quota {
    /// No bounds.
    pub const NONE: Self = Self {
        bytes: u64::MAX,
        entries: u64::MAX,
        reserve: 0,
    };

    /// Whether the disk of `dir` has room for so many bytes more. One that does not say has.
    pub(crate) fn room(&self, dir: &Path, bytes: u64) -> Result<()> {
        let Ok(disk) = statvfs(dir) else {
            return Ok(());
        };
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        let after = free.checked_sub(bytes);
        if self.reserve == 0 || after.is_some_and(|after| after >= self.reserve) {
            return Ok(());
        }
        Err(WorkspaceError::Io {
            action: "keep files in",
            path: dir.display().to_string(),
            cause: format!(
                "the disk has {free} bytes left, and {} stay free",
                self.reserve
            ),
        })
    }
}

/// Counts what an archive unpacks to.
pub(crate) struct Gauge<'a> {
    quota: Quota,
    dir: &'a Path,
    bytes: u64,
    entries: u64,
    unseen: u64,
}

impl<'a> Gauge<'a> {
    /// For an archive that is unpacked to the disk of `dir`.
    pub(crate) const fn new(quota: Quota, dir: &'a Path) -> Self {
        Self {
            quota,
            dir,
            bytes: 0,
            entries: 0,
            // The first byte is a reason to look.
            unseen: LOOK_AFTER,
        }
    }

    /// Another entry.
    pub(crate) fn entry(&mut self) -> Result<()> {
        self.entries += 1;
        if self.entries > self.quota.entries {
            return Err(WorkspaceError::Refused(format!(
                "the archive has more than {} entries",
                self.quota.entries
            )));
        }
        Ok(())
    }

    /// So many bytes more, not written yet. What an archive says of itself is not asked.
    pub(crate) fn write(&mut self, bytes: u64) -> Result<()> {
        self.bytes += bytes;
        if self.bytes > self.quota.bytes {
            return Err(WorkspaceError::TooLarge {
                what: "what the archive holds".to_owned(),
                limit: self.quota.bytes,
            });
        }
        self.unseen += bytes;
        if self.unseen >= LOOK_AFTER {
            self.unseen = 0;
            self.quota.room(self.dir, bytes)?;
        }
        Ok(())
    }
}
