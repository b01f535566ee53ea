//! Blobs on their way: streams that verify themselves, sources that can be read again.

use std::{path::PathBuf, pin::Pin};

use aqueduct_core::image::{Descriptor, Verifier};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
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
            Self::File(path) => file_stream(path.clone()).await,
        }
    }
}

/// Buffer of a file stream: large enough that the reading thread is not the bottleneck.
const FILE_CHUNK: usize = 128 * 1024;

pub(crate) async fn file_stream(path: PathBuf) -> Result<BlobStream, RegistryError> {
    let file = tokio::fs::File::open(&path)
        .await
        .map_err(RegistryError::io(&path))?;
    let chunks = ReaderStream::with_capacity(file, FILE_CHUNK);
    Ok(Box::pin(
        chunks.map(move |chunk| chunk.map_err(RegistryError::io(&path))),
    ))
}

struct Verified {
    inner: BlobStream,
    verifier: Option<Verifier>,
    expected: Descriptor,
    what: String,
    seen: u64,
}

/// Wraps a stream so that it ends in an error unless it had the descriptor's size and digest. Fails at once when more
/// than the promised size comes.
pub(crate) fn verified(inner: BlobStream, expected: &Descriptor, what: String) -> BlobStream {
    let state = Verified {
        inner,
        verifier: Some(Verifier::new(&expected.digest)),
        expected: expected.clone(),
        what,
        seen: 0,
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
        verified(inner, expected, "blob".into())
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
