//! A layer: a sorted, timeless tar, gzipped, hashed inside and out while it is written.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use aqueduct_core::image::{Descriptor, Digest, media};
use flate2::{Compression, GzBuilder, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::{
    Ownership, PackError,
    tree::{Kind, Node, Tree},
};
use crate::spool::SpoolDir;

/// A written layer; the file goes with the value.
#[derive(Debug)]
pub(super) struct Layer {
    dir: SpoolDir,
    /// What a manifest says of it.
    pub(super) descriptor: Descriptor,
    /// Digest of the uncompressed tar.
    pub(super) diff_id: Digest,
}

/// Name of the file in its directory.
const FILE: &str = "layer";

impl Layer {
    /// The compressed tar.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join(FILE)
    }
}

/// Writes the layer of a tree.
pub(super) fn write(tree: &Tree, ownership: Ownership, epoch: i64) -> Result<Layer, PackError> {
    let dir = SpoolDir::new().map_err(|error| unwritten(&std::env::temp_dir(), &error))?;
    let path = dir.path().join(FILE);
    let file = File::create(&path).map_err(|error| unwritten(&path, &error))?;
    let buffered = io::BufWriter::with_capacity(256 * 1024, file);
    // No name, no time: the header holds nothing but what the content decides.
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(Hashing::new(buffered), Compression::default());
    let mut archive = tar::Builder::new(Hashing::new(gzip));
    let mut writer = Writer {
        path: &path,
        ownership,
        epoch,
        seen: HashMap::new(),
    };
    for (name, node) in tree {
        writer.append(&mut archive, name, node)?;
    }
    let (descriptor, diff_id) = finish(archive).map_err(|error| unwritten(&path, &error))?;
    Ok(Layer {
        dir,
        descriptor,
        diff_id,
    })
}

type Archive = tar::Builder<Hashing<GzEncoder<Hashing<io::BufWriter<File>>>>>;

fn finish(archive: Archive) -> io::Result<(Descriptor, Digest)> {
    let (gzip, diff_id, _) = archive.into_inner()?.finish();
    let (mut buffered, digest, size) = gzip.finish()?.finish();
    buffered.flush()?;
    Ok((Descriptor::new(media::LAYER_GZIP, digest, size), diff_id))
}

fn failed(path: &Path, error: &io::Error) -> PackError {
    PackError::File {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}

fn unwritten(path: &Path, error: &io::Error) -> PackError {
    PackError::Machine {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}

struct Writer<'a> {
    /// The file written to, for messages.
    path: &'a Path,
    ownership: Ownership,
    epoch: i64,
    /// First name of each file that has several.
    seen: HashMap<(u64, u64), PathBuf>,
}

impl Writer<'_> {
    fn append<W: Write>(
        &mut self,
        archive: &mut tar::Builder<W>,
        name: &Path,
        node: &Node,
    ) -> Result<(), PackError> {
        let mut header = self.header(node);
        let result = match &node.kind {
            Kind::Directory => {
                header.set_entry_type(EntryType::Directory);
                let mut name = name.as_os_str().to_owned();
                name.push("/");
                archive.append_data(&mut header, name, io::empty())
            }
            Kind::Symlink(target) => {
                header.set_entry_type(EntryType::Symlink);
                archive.append_link(&mut header, name, target)
            }
            Kind::File {
                source,
                size,
                links,
            } => {
                let first = links.as_ref().and_then(|id| self.seen.get(id));
                if let Some(first) = first {
                    header.set_entry_type(EntryType::Link);
                    archive.append_link(&mut header, name, first)
                } else {
                    if let Some(id) = links {
                        self.seen.insert(*id, name.to_owned());
                    }
                    header.set_entry_type(EntryType::Regular);
                    header.set_size(*size);
                    return self.append_file(archive, &mut header, name, (source, *size));
                }
            }
        };
        result.map_err(|error| unwritten(self.path, &error))
    }

    fn append_file<W: Write>(
        &self,
        archive: &mut tar::Builder<W>,
        header: &mut Header,
        name: &Path,
        (source, size): (&Path, u64),
    ) -> Result<(), PackError> {
        let file = File::open(source).map_err(|error| failed(source, &error))?;
        // A file that grows meanwhile must not break the archive; one that shrinks is an error.
        let mut content = Counted {
            inner: file.take(size),
            read: 0,
            broken: false,
        };
        let appended = archive.append_data(header, name, &mut content);
        appended.map_err(|error| {
            if content.broken {
                failed(source, &error)
            } else {
                unwritten(self.path, &error)
            }
        })?;
        if content.read == size {
            Ok(())
        } else {
            Err(failed(
                source,
                &io::Error::other("the file changed while it was packed"),
            ))
        }
    }

    fn header(&self, node: &Node) -> Header {
        let mut header = Header::new_gnu();
        let (mode, uid, gid) = match self.ownership {
            Ownership::Keep => (node.mode, node.uid, node.gid),
            Ownership::Root => (plain_mode(node), 0, 0),
        };
        header.set_mode(mode);
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_mtime(u64::try_from(self.epoch).unwrap_or(0));
        header.set_size(0);
        header
    }
}

fn plain_mode(node: &Node) -> u32 {
    match node.kind {
        Kind::Symlink(_) => 0o777,
        Kind::Directory => 0o755,
        Kind::File { .. } if node.mode & 0o111 != 0 => 0o755,
        Kind::File { .. } => 0o644,
    }
}

struct Counted<R> {
    inner: R,
    read: u64,
    /// Reading failed.
    broken: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer);
        self.broken |= count.is_err();
        self.read += *count.as_ref().unwrap_or(&0) as u64;
        count
    }
}

/// Hashes and counts what passes.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
    written: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            written: 0,
        }
    }

    fn finish(self) -> (W, Digest, u64) {
        let digest = Digest::from_sha256(&self.hash.finalize().into());
        (self.inner, digest, self.written)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or(bytes));
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
