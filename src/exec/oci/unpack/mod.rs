//! A layer's tar becomes a directory that overlayfs can stack.
//!
//! Every name is resolved by the kernel as if the directory were the root (`openat2` with `RESOLVE_IN_ROOT`), so neither
//! `..` nor a link that an earlier entry made leads out of it: links mean within the layer what they will mean in the
//! container.

mod entry;
mod tree;

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use aqueduct_core::image::{Digest, Verifier};

use self::{entry::unpack_entry, tree::Tree};

/// Why a layer was not unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    /// The tar is broken or cut short.
    #[error("the layer is no readable tar: {0}")]
    Archive(#[source] io::Error),
    /// An entry points out of the layer, or makes no sense.
    #[error("the layer's entry `{name}` is refused: {reason}")]
    Refused {
        /// As it stands in the tar.
        name: String,
        /// In words.
        reason: String,
    },
    /// A file could not be made.
    #[error("can't unpack `{name}`: {source}")]
    Write {
        /// As it stands in the tar.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The layer has other content than the image's configuration says.
    #[error(
        "the unpacked layer has digest {actual}, and the image's configuration says {expected}"
    )]
    Corrupt {
        /// What was expected.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
}

/// Unpacks the tar at `archive`, plain or compressed with gzip or zstd, into the empty directory `target`. Its
/// uncompressed bytes must have the digest `diff_id`. Once `stop` is set, it ends soon with an error.
pub(super) fn unpack(
    archive: &Path,
    target: &Path,
    diff_id: &Digest,
    stop: &AtomicBool,
) -> Result<(), UnpackError> {
    let open = || File::open(archive).and_then(|file| decompress(BufReader::new(file)));
    let mut reader = Hashing {
        inner: open().map_err(UnpackError::Archive)?,
        verifier: Verifier::new(diff_id),
        stop,
    };
    unpack_tar(&mut reader, target)?;
    // What follows the end of the archive counts for the digest, too.
    io::copy(&mut reader, &mut io::sink()).map_err(UnpackError::Archive)?;
    let actual = reader.verifier.finish();
    if actual == *diff_id {
        Ok(())
    } else {
        Err(UnpackError::Corrupt {
            expected: diff_id.clone(),
            actual,
        })
    }
}

fn unpack_tar(reader: impl Read, target: &Path) -> Result<(), UnpackError> {
    let mut tree = Tree::open(target).map_err(|source| UnpackError::Write {
        name: target.display().to_string(),
        source,
    })?;
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(UnpackError::Archive)? {
        unpack_entry(&mut entry.map_err(UnpackError::Archive)?, &mut tree)?;
    }
    tree.finish().map_err(|source| UnpackError::Write {
        name: target.display().to_string(),
        source,
    })
}

/// By the first bytes: media types are often wrong.
fn decompress<R: BufRead + 'static>(mut reader: R) -> io::Result<Box<dyn Read>> {
    let start = reader.fill_buf()?;
    Ok(if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(reader))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::Decoder::with_buffer(reader)?)
    } else {
        Box::new(reader)
    })
}

/// Every entry and every part of a file passes here, so this is also where to stop.
struct Hashing<'a, R> {
    inner: R,
    verifier: Verifier,
    stop: &'a AtomicBool,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("canceled"));
        }
        let n = self.inner.read(buffer)?;
        self.verifier.update(&buffer[..n]);
        Ok(n)
    }
}
