//! All bytes of a trace, for as long as somebody may ask for them again.
//!
//! The latest are in memory, older ones in a file without a name: nothing is left of it when the attempt or the process ends, however
//! that happens. A trace that is short never has a file.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::PathBuf, sync::Arc};

use bytes::{Bytes, BytesMut};

/// Acknowledged bytes that stay in memory.
const IN_MEMORY: usize = 1024 * 1024;
/// What is beyond that goes to the file in pieces of at least this size.
const PIECE: usize = 256 * 1024;

/// The bytes of a trace.
pub(super) struct Spool {
    /// Where the file is made; without it older bytes are given up.
    dir: Option<PathBuf>,
    file: Option<Arc<File>>,
    /// Bytes before the first one in memory.
    older: u64,
    /// The latest ones.
    memory: BytesMut,
    /// The first byte that is still here.
    first: u64,
}

impl Spool {
    pub(super) fn new(dir: Option<PathBuf>) -> Self {
        Self {
            dir,
            file: None,
            older: 0,
            memory: BytesMut::new(),
            first: 0,
        }
    }

    /// How many bytes there have been.
    pub(super) fn end(&self) -> u64 {
        self.older + self.memory.len() as u64
    }

    /// Whether all bytes from `offset` on are still here.
    pub(super) const fn has(&self, offset: u64) -> bool {
        offset >= self.first
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.memory.extend_from_slice(bytes);
    }

    /// Up to `limit` bytes from `offset` on.
    pub(super) async fn read(&self, offset: u64, limit: usize) -> io::Result<Bytes> {
        if let Some(start) = offset.checked_sub(self.older) {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let bytes = self.memory.get(start..).unwrap_or_default();
            let bytes = bytes.get(..limit).unwrap_or(bytes);
            return Ok(Bytes::copy_from_slice(bytes));
        }
        let Some(file) = self.file.clone().filter(|_| self.has(offset)) else {
            return Err(io::Error::other("these bytes are no longer here"));
        };
        let there = usize::try_from(self.older - offset).unwrap_or(usize::MAX);
        let mut bytes = vec![0; there.min(limit)];
        blocking(move || {
            file.read_exact_at(&mut bytes, offset)
                .map(|()| bytes.into())
        })
        .await
    }

    /// The first `acknowledged` bytes are stored elsewhere: of those, only the latest stay in memory.
    ///
    /// Dropping the future loses nothing. A disk that takes no more costs the older bytes, and a line in the log.
    pub(super) async fn acknowledged(&mut self, acknowledged: u64) {
        let here = acknowledged.saturating_sub(self.older);
        let here = usize::try_from(here).unwrap_or(usize::MAX);
        let excess = here.min(self.memory.len()).saturating_sub(IN_MEMORY);
        if excess < PIECE {
            return;
        }
        let written = self.write(excess).await;
        let _ = self.memory.split_to(excess);
        self.older += excess as u64;
        if let Err(error) = written {
            if self.dir.take().is_some() {
                tracing::warn!(%error, "no room to keep a log until its job has ended");
            }
            self.file = None;
            self.first = self.older;
        }
    }

    /// Writes the oldest `length` bytes in memory to the file.
    async fn write(&mut self, length: usize) -> io::Result<()> {
        let file = if let Some(file) = &self.file {
            file.clone()
        } else {
            let dir = self.dir.clone();
            let dir = dir.ok_or_else(|| io::Error::other("there is no place for it"))?;
            let file = blocking(move || tempfile::tempfile_in(dir)).await?;
            self.file.insert(Arc::new(file)).clone()
        };
        let bytes = self.memory.get(..length).unwrap_or_default();
        let (bytes, offset) = (Bytes::copy_from_slice(bytes), self.older);
        blocking(move || file.write_all_at(&bytes, offset)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A byte that tells its offset.
    fn bytes(from: u64, length: u64) -> Vec<u8> {
        (from..from + length).map(|at| (at % 251) as u8).collect()
    }

    async fn filled(dir: Option<PathBuf>, length: u64) -> Spool {
        let mut spool = Spool::new(dir);
        for at in (0..length).step_by(100_000) {
            spool.push(&bytes(at, 100_000.min(length - at)));
            spool.acknowledged(spool.end()).await;
        }
        spool
    }

    #[tokio::test]
    async fn every_byte_can_be_read_again_and_memory_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let length = 5_000_000;
        let spool = filled(Some(dir.path().to_owned()), length).await;
        assert!(spool.memory.len() <= IN_MEMORY + PIECE + 100_000);
        let mut at = 0;
        while at < length {
            let piece = spool.read(at, 77_777).await.unwrap();
            assert_eq!(piece, bytes(at, piece.len() as u64), "at {at}");
            assert!(!piece.is_empty());
            at += piece.len() as u64;
        }
        assert_eq!(at, spool.end());
        let files = std::fs::read_dir(dir.path()).unwrap();
        assert_eq!(files.count(), 0, "the file has no name");
    }

    #[tokio::test]
    async fn what_is_not_acknowledged_stays_in_memory() {
        let mut spool = Spool::new(None);
        spool.push(&bytes(0, 3_000_000));
        spool.acknowledged(1_000_000).await;
        assert!(spool.has(0) && spool.older == 0);
        spool.acknowledged(2_000_000).await;
        assert!(!spool.has(0), "there was no place for it");
        let kept = spool.read(2_000_000, 10).await.unwrap();
        assert_eq!(kept, bytes(2_000_000, 10));
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_costs_the_older_bytes_alone() {
        for dir in [None, Some(PathBuf::from("/nowhere/at/all"))] {
            let spool = filled(dir, 3_000_000).await;
            assert!(!spool.has(0));
            assert!(spool.read(0, 10).await.is_err());
            let at = spool.first;
            assert_eq!(spool.read(at, 10).await.unwrap(), bytes(at, 10));
        }
    }
}
