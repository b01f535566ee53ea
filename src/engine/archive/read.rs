//! Reading a trace wherever it lies.

use aqueduct_core::id::GlobalAttempt;
use aqueduct_ports::store::{Objects, Store, TraceHead, TracePlace};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::ArchiveError;

/// The kept bytes of a trace from `from` on, at most `limit` and at least one if there is one; and how far the trace is. Whoever
/// wants the whole asks again from where the answer ended.
pub async fn read_trace(
    store: &dyn Store,
    objects: &dyn Objects,
    attempt: GlobalAttempt,
    from: u64,
    limit: u64,
) -> Result<(TraceHead, Bytes), ArchiveError> {
    let part = store.read_trace(attempt, from, limit).await?;
    let key = match part.place {
        TracePlace::Here(bytes) => return Ok((part.head, bytes)),
        TracePlace::Object(key) => key,
    };
    let end = part.head.kept.min(from.saturating_add(limit.max(1)));
    if from >= end {
        return Ok((part.head, Bytes::new()));
    }
    let mut body = objects.get(&key, Some(from..end)).await?;
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok((part.head, bytes.freeze()))
}
