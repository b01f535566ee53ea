//! Traces.

use aqueduct_core::{id::GlobalAttempt, time::Timestamp};
use aqueduct_ports::store::{Appended, StoreError, TraceHead, TracePart, TracePlace, Traces};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::artifact;
use crate::{
    Database,
    db::{Link, Row, args, work},
    sql::trace as sql,
};

/// Chunks read at once; together with the limit it bounds what a reader holds in memory.
const CHUNKS_AT_ONCE: u32 = 64;

fn head(row: &Row) -> Result<TraceHead, StoreError> {
    let mut cells = row.cells();
    Ok(TraceHead {
        received: cells.next()?,
        kept: cells.next()?,
        crc32: cells.next()?,
        sealed: cells.next()?,
    })
}

/// Which bytes of a chunk are new: none of a repeat, and none after a gap.
fn fresh(received: u64, offset: u64, chunk: &Bytes) -> Bytes {
    match received.checked_sub(offset) {
        Some(known) => {
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            chunk.slice(known.min(chunk.len())..)
        }
        None => Bytes::new(),
    }
}

async fn append(
    link: &mut Link<'_>,
    attempt: GlobalAttempt,
    (offset, chunk): (u64, Bytes),
    limit: u64,
    now: Timestamp,
) -> Result<Appended, StoreError> {
    let id = args![attempt.job, attempt.attempt, now];
    let row = link.one(sql::TOUCH, id).await?;
    let mut head = head(&row.ok_or(StoreError::Conflict)?)?;
    let fresh = fresh(head.received, offset, &chunk);
    if fresh.is_empty() || head.sealed.is_some() {
        let limit_reached = false;
        return Ok(Appended {
            head,
            limit_reached,
        });
    }
    let room = usize::try_from(limit.saturating_sub(head.kept)).unwrap_or(usize::MAX);
    let keep = fresh.slice(..room.min(fresh.len()));
    let limit_reached = keep.len() < fresh.len() && head.kept == head.received;
    if !keep.is_empty() {
        let chunk = args![attempt.job, attempt.attempt, head.kept, &*keep];
        link.execute(sql::INSERT_CHUNK, chunk).await?;
    }
    head.received += fresh.len() as u64;
    head.kept += keep.len() as u64;
    let mut crc = crc32fast::Hasher::new_with_initial(head.crc32);
    crc.update(&fresh);
    head.crc32 = crc.finalize();
    let advanced = args![
        attempt.job,
        attempt.attempt,
        head.received,
        head.kept,
        head.crc32,
    ];
    link.execute(sql::ADVANCE, advanced).await?;
    Ok(Appended {
        head,
        limit_reached,
    })
}

async fn read(
    link: &mut Link<'_>,
    attempt: GlobalAttempt,
    from: u64,
    limit: u64,
) -> Result<TracePart, StoreError> {
    let id = args![attempt.job, attempt.attempt];
    let row = link.one(sql::HEAD, id).await?;
    let head = row.as_ref().map(head).transpose()?.unwrap_or_default();
    let place = match &head.sealed {
        Some(key) => TracePlace::Object(key.clone()),
        None if from >= head.kept => TracePlace::Here(Bytes::new()),
        None => TracePlace::Here(chunks(link, attempt, from, limit.max(1)).await?),
    };
    Ok(TracePart { head, place })
}

async fn chunks(
    link: &mut Link<'_>,
    attempt: GlobalAttempt,
    from: u64,
    limit: u64,
) -> Result<Bytes, StoreError> {
    let (job, number) = (attempt.job, attempt.attempt);
    let mut found = BytesMut::new();
    let first = link.one(sql::CHUNK_AT, args![job, number, from]).await?;
    let end = from.saturating_add(limit);
    let after = args![job, number, from, end, CHUNKS_AT_ONCE];
    let rest = link.all(sql::CHUNKS_AFTER, after).await?;
    for row in first.iter().chain(&rest) {
        let mut cells = row.cells();
        let (start, bytes): (u64, Vec<u8>) = (cells.next()?, cells.next()?);
        let at = from + found.len() as u64;
        let part = at
            .checked_sub(start)
            .and_then(|skip| bytes.get(usize::try_from(skip).ok()?..))
            .filter(|part| !part.is_empty());
        let part = part.ok_or_else(|| {
            StoreError::Corrupt(format!("the trace of {attempt} has a gap at byte {at}"))
        })?;
        let room = usize::try_from(end - at).unwrap_or(usize::MAX);
        found.extend_from_slice(&part[..room.min(part.len())]);
    }
    Ok(found.freeze())
}

async fn seal(
    link: &mut Link<'_>,
    attempt: GlobalAttempt,
    kept: u64,
    key: &str,
) -> Result<(), StoreError> {
    let id = args![attempt.job, attempt.attempt, kept, key];
    if link.execute(sql::SEAL, id).await? == 0 || !artifact::take(link, key).await? {
        return Err(StoreError::Conflict);
    }
    let chunks = args![attempt.job, attempt.attempt];
    link.execute(sql::DELETE_CHUNKS, chunks).await.map(drop)
}

#[async_trait]
impl Traces for Database {
    async fn append_trace(
        &self,
        attempt: GlobalAttempt,
        offset: u64,
        bytes: Bytes,
        limit: u64,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        self.write(work!(bytes; link => append(link, attempt, (offset, bytes), limit, now).await))
            .await
    }

    async fn trace_head(&self, attempt: GlobalAttempt) -> Result<TraceHead, StoreError> {
        let id = args![attempt.job, attempt.attempt];
        let row = self.one(sql::HEAD, id).await?;
        Ok(row.as_ref().map(head).transpose()?.unwrap_or_default())
    }

    async fn read_trace(
        &self,
        attempt: GlobalAttempt,
        from: u64,
        limit: u64,
    ) -> Result<TracePart, StoreError> {
        let mut snapshot = self.snapshot().await?;
        read(&mut snapshot.link(), attempt, from, limit).await
    }

    async fn unsealed_traces(
        &self,
        idle_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<GlobalAttempt>, StoreError> {
        let rows = self.all(sql::UNSEALED, args![idle_since, limit]).await?;
        let attempt = |row: &Row| {
            let mut cells = row.cells();
            Ok(GlobalAttempt {
                job: cells.next()?,
                attempt: cells.next()?,
            })
        };
        rows.iter().map(attempt).collect()
    }

    async fn seal_trace(
        &self,
        attempt: GlobalAttempt,
        kept: u64,
        key: &str,
    ) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.write(work!(key; link => seal(link, attempt, kept, &key).await))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_gaps_add_nothing() {
        // (received, offset, chunk) → what is new
        let table = [
            ((0, 0, "abcd"), "abcd"),
            ((4, 4, "ef"), "ef"),
            ((4, 0, "abcd"), ""),
            ((4, 2, "cdef"), "ef"),
            ((4, 0, "ab"), ""),
            ((4, 5, "fgh"), ""),
            ((u64::MAX, 0, "abc"), ""),
        ];
        for ((received, offset, chunk), expected) in table {
            let chunk = Bytes::from_static(chunk.as_bytes());
            assert_eq!(
                fresh(received, offset, &chunk),
                expected,
                "{received} {offset}"
            );
        }
    }
}
