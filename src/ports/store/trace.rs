//! Traces: what attempts wrote, by offset.

use aqueduct_core::{id::GlobalAttempt, time::Timestamp};
use async_trait::async_trait;
use bytes::Bytes;

use super::StoreError;

/// What attempts wrote.
///
/// A trace grows in chunks in the database; once its attempt is over it is *sealed*: its chunks become one object. A reader sees the
/// same bytes before, during and after. Traces never touch a pipeline's row.
#[async_trait]
pub trait Traces: Send + Sync {
    /// Appends at `offset`, at least once from the runner and exactly once in here: what is already there of the chunk is dropped
    /// and only the rest appended; after a gap nothing is. Of all that is received the first `limit` bytes are kept. Answers how far the
    /// trace is now, on disk. A sealed trace takes nothing.
    async fn append_trace(
        &self,
        attempt: GlobalAttempt,
        offset: u64,
        bytes: Bytes,
        limit: u64,
        now: Timestamp,
    ) -> Result<Appended, StoreError>;

    /// How far a trace is; zero for one that never began.
    async fn trace_head(&self, attempt: GlobalAttempt) -> Result<TraceHead, StoreError>;

    /// The kept bytes from `from` on, as of one moment: at most `limit`, though at least a byte if there is one (a chunk is cut, never
    /// skipped).
    async fn read_trace(
        &self,
        attempt: GlobalAttempt,
        from: u64,
        limit: u64,
    ) -> Result<TracePart, StoreError>;

    /// Traces with chunks whose attempt is over (its job has ended or is at a later attempt) and which nobody appended to since
    /// `idle_since`, in the order of their jobs.
    async fn unsealed_traces(
        &self,
        idle_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<GlobalAttempt>, StoreError>;

    /// Drops the chunks of a trace whose first `kept` bytes, which must be all, are the object `key`, and lets the key count as
    /// in use (see [`super::Artifacts::reserve_object`]). [`StoreError::Conflict`] if the trace has another length or is sealed.
    async fn seal_trace(
        &self,
        attempt: GlobalAttempt,
        kept: u64,
        key: &str,
    ) -> Result<(), StoreError>;
}

/// How far a trace is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceHead {
    /// Bytes received in order: what the next chunk has to begin at.
    pub received: u64,
    /// Bytes kept: less than received once the limit was reached.
    pub kept: u64,
    /// CRC-32 (IEEE) of all that was received, what the Runner API's `checksum` is compared with.
    pub crc32: u32,
    /// The object that it lies in once it is sealed.
    pub sealed: Option<String>,
}

/// What became of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// How far the trace is now. The chunk was taken if `received` is its end or lies behind it.
    pub head: TraceHead,
    /// The limit was passed by this chunk.
    pub limit_reached: bool,
}

/// A part of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracePart {
    /// How far the trace is.
    pub head: TraceHead,
    /// Where the bytes are.
    pub place: TracePlace,
}

/// Where the bytes of a part of a trace are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TracePlace {
    /// Here; empty at the end.
    Here(Bytes),
    /// In the sealed object, at the same offset.
    Object(String),
}
