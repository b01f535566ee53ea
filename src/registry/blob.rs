//! Blobs on their way: streams that verify themselves, sources that can be read again.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    pin::Pin,
};

use aqueduct_core::image::{Descriptor, Verifier};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::AsyncSeekExt as _;
use tokio_util::io::ReaderStream;

use crate::RegistryError;

/// A blob's bytes as they come. Reading to the end without an error proves digest and size.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, RegistryError>> + Send>>;

/// Bytes to upload; can be read as often as a retry needs.
#[derive(Clone, Debug)]
pub enum BlobSource {
    /// In memory, for what is small.
    Bytes(Bytes),
    /// On disk, streamed.
    File(PathBuf),
}

impl BlobSource {
    /// A fresh stream from the start.
    pub(crate) async fn open(&self) -> Result<BlobStream, RegistryError> {
        match self {
            Self::Bytes(bytes) => {
                let bytes = bytes.clone();
                Ok(Box::pin(stream::once(async move { Ok(bytes) })))
            }
            Self::File(path) => file_stream(path.clone(), 0).await,
        }
    }
}

/// Buffer of a file stream: large enough that the reading thread is not the bottleneck.
const FILE_CHUNK: usize = 128 * 1024;

/// Streams a file from `offset` on.
pub(crate) async fn file_stream(path: PathBuf, offset: u64) -> Result<BlobStream, RegistryError> {
    let mut file = tokio::fs::File::open(&path)
        .await
        .map_err(RegistryError::io(&path))?;
    if offset > 0 {
        file.seek(io::SeekFrom::Start(offset))
            .await
            .map_err(RegistryError::io(&path))?;
    }
    let chunks = ReaderStream::with_capacity(file, FILE_CHUNK);
    Ok(Box::pin(
        chunks.map(move |chunk| chunk.map_err(RegistryError::io(&path))),
    ))
}

/// The first bytes of a blob, which an earlier download left: hashed, so that what follows them can be checked as one
/// with them.
#[derive(Clone, Debug)]
pub struct Prefix {
    verifier: Verifier,
    length: u64,
}

impl Prefix {
    /// Nothing is here yet.
    pub fn none(blob: &Descriptor) -> Self {
        Self {
            verifier: Verifier::new(&blob.digest),
            length: 0,
        }
    }

    /// What the file at `path` holds of `blob`; nothing if it does not exist. Blocks.
    pub fn read(path: &Path, blob: &Descriptor) -> io::Result<Self> {
        let mut prefix = Self::none(blob);
        let mut file = match std::fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(prefix),
            other => other?,
        };
        let mut buffer = vec![0; FILE_CHUNK];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(prefix);
            }
            prefix.verifier.update(&buffer[..count]);
            prefix.length += count as u64;
        }
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

struct Verified {
    inner: BlobStream,
    verifier: Option<Verifier>,
    expected: Descriptor,
    what: String,
    seen: u64,
}

/// Wraps the stream of what follows `prefix` so that it ends in an error unless both together had the descriptor's size
/// and digest. Fails at once when more than the promised size comes.
pub(crate) fn verified(
    inner: BlobStream,
    prefix: Prefix,
    expected: &Descriptor,
    what: String,
) -> BlobStream {
    let state = Verified {
        inner,
        verifier: Some(prefix.verifier),
        expected: expected.clone(),
        what,
        seen: prefix.length,
    };
    Box::pin(stream::unfold(state, step))
}

async fn step(mut state: Verified) -> Option<(Result<Bytes, RegistryError>, Verified)> {
    state.verifier.as_ref()?;
    let item = match state.inner.next().await {
        Some(Ok(bytes)) => state.take(bytes),
        Some(Err(error)) => Err(error),
        None => match state.finish() {
            Ok(()) => return None,
            Err(error) => Err(error),
        },
    };
    if item.is_err() {
        state.verifier = None;
    }
    Some((item, state))
}

impl Verified {
    fn take(&mut self, bytes: Bytes) -> Result<Bytes, RegistryError> {
        self.seen += bytes.len() as u64;
        if self.seen > self.expected.size {
            return Err(self.wrong_size(format!("more than {} bytes", self.expected.size)));
        }
        if let Some(verifier) = &mut self.verifier {
            verifier.update(&bytes);
        }
        Ok(bytes)
    }

    fn finish(&mut self) -> Result<(), RegistryError> {
        if self.seen != self.expected.size {
            return Err(self.wrong_size(format!("{} bytes", self.seen)));
        }
        match self.verifier.take().map(Verifier::finish) {
            Some(actual) if actual != self.expected.digest => Err(RegistryError::digest(
                &self.what,
                &self.expected.digest,
                &actual,
            )),
            _ => Ok(()),
        }
    }

    fn wrong_size(&self, actual: String) -> RegistryError {
        RegistryError::Corrupt {
            what: self.what.clone(),
            expected: format!("{} bytes", self.expected.size),
            actual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(chunks: &[&'static str], expected: &Descriptor) -> Vec<Result<Bytes, String>> {
        let items: Vec<Result<Bytes, RegistryError>> = chunks
            .iter()
            .map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let inner: BlobStream = Box::pin(stream::iter(items));
        verified(inner, Prefix::none(expected), expected, "blob".into())
            .map(|item| item.map_err(|error| error.to_string()))
            .collect()
            .await
    }

    #[tokio::test]
    async fn good_bytes_pass_in_any_chunking() {
        let expected = Descriptor::of("x", b"abcdef");
        for chunks in [&["abcdef"][..], &["a", "", "bcd", "ef"]] {
            let items = outcome(chunks, &expected).await;
            assert!(items.iter().all(Result::is_ok), "{items:?}");
        }
    }

    #[tokio::test]
    async fn other_bytes_end_in_one_error() {
        let expected = Descriptor::of("x", b"abcdef");
        let table = [
            (&["abcdeX"][..], "got sha256:"),
            (&["abc"], "got 3 bytes, expected 6 bytes"),
            (&["abcdef", "g"], "got more than 6 bytes"),
        ];
        for (chunks, text) in table {
            let items = outcome(chunks, &expected).await;
            let errors: Vec<&String> = items
                .iter()
                .filter_map(|item| item.as_ref().err())
                .collect();
            assert_eq!(errors.len(), 1, "{items:?}");
            assert!(errors[0].contains(text), "{errors:?}");
        }
    }
}
