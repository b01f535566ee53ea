//! Parts of logs, found without reading what is before them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aqueduct_core::id::GlobalAttempt;
use aqueduct_engine::archive::read_trace;
use aqueduct_pages::log::{Cursor, Index, Limits, Part, ROW_LIMIT, render};
use aqueduct_ports::store::TraceHead;
use bytes::{Bytes, BytesMut};

use super::error::PageError;
use crate::App;

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;
/// Logs whose index is kept. An index has a few hundred bytes for each 128 KiB of its log.
const KNOWN: usize = 256;

type Shared = Arc<tokio::sync::Mutex<Index>>;

/// Indexes of the logs that were looked at.
#[derive(Default)]
pub(crate) struct Logs(Mutex<HashMap<GlobalAttempt, Shared>>);

impl Logs {
    fn index(&self, attempt: GlobalAttempt) -> Shared {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN && !known.contains_key(&attempt) {
            // Those that somebody reads right now are kept.
            known.retain(|_, index| Arc::strong_count(index) > 1);
        }
        Arc::clone(known.entry(attempt).or_default())
    }
}

/// A log as far as it is there.
pub(super) struct Log<'a> {
    app: &'a App,
    attempt: GlobalAttempt,
    index: Shared,
    /// How far the trace is.
    pub(super) head: TraceHead,
    /// How far the whole rows go.
    pub(super) end: Cursor,
}

/// Opens a log: its index is brought up to date first.
pub(super) async fn open(app: &App, attempt: GlobalAttempt) -> Result<Log<'_>, PageError> {
    let shared = app.logs.index(attempt);
    let mut index = shared.lock().await;
    let mut known = index.end().offset;
    loop {
        let (head, bytes) = read(app, attempt, known).await?;
        let before = index.end().offset;
        index.feed(&bytes);
        known = index.end().offset;
        // What is left is no whole row.
        if known == before || known == head.kept {
            let end = index.end().clone();
            drop(index);
            return Ok(Log {
                app,
                attempt,
                index: shared,
                head,
                end,
            });
        }
    }
}

/// The bytes of a log from an offset on: [`PIECE`], or what there is.
pub(super) async fn read(
    app: &App,
    attempt: GlobalAttempt,
    from: u64,
) -> Result<(TraceHead, Bytes), PageError> {
    let (store, objects) = (app.store(), app.ports.objects.as_ref());
    let (head, first) = read_trace(store, objects, attempt, from, PIECE).await?;
    if first.len() as u64 >= PIECE || from + first.len() as u64 >= head.kept {
        return Ok((head, first));
    }
    // The store gives no more than so many chunks at once, and they may be small.
    let mut bytes = BytesMut::from(first);
    loop {
        let (at, left) = (from + bytes.len() as u64, PIECE - bytes.len() as u64);
        let (_, more) = read_trace(store, objects, attempt, at, left).await?;
        bytes.extend_from_slice(&more);
        let end = from + bytes.len() as u64;
        if more.is_empty() || bytes.len() as u64 >= PIECE || end >= head.kept {
            return Ok((head, bytes.freeze()));
        }
    }
}

impl Log<'_> {
    /// The place where a line, which is counted from 1, begins; the end if there is none.
    pub(super) async fn at_line(&self, line: u64) -> Result<Cursor, PageError> {
        let mut place = self.index.lock().await.before_line(line);
        let until = line.saturating_sub(1);
        while place.lines < until && place.offset < self.end.offset {
            let (_, bytes) = read(self.app, self.attempt, place.offset).await?;
            let limits = Limits {
                until,
                ..Limits::ALL
            };
            if place.skip(&bytes, limits) == 0 {
                break;
            }
        }
        Ok(place)
    }

    /// The place at an offset that was told earlier.
    pub(super) async fn at_offset(&self, offset: u64) -> Result<Cursor, PageError> {
        let mut place = self.index.lock().await.before_offset(offset);
        while place.offset < offset.min(self.end.offset) {
            let (_, bytes) = read(self.app, self.attempt, place.offset).await?;
            let wanted = usize::try_from(offset - place.offset).unwrap_or(usize::MAX);
            if place.skip(&bytes[..bytes.len().min(wanted)], Limits::ALL) == 0 {
                break;
            }
        }
        Ok(place)
    }

    /// At most so many whole rows from a place on, and at most [`PIECE`] bytes.
    pub(super) async fn rows(&self, from: Cursor, rows: usize) -> Result<Part, PageError> {
        let (_, bytes) = read(self.app, self.attempt, from.offset).await?;
        let left = usize::try_from(self.end.offset.saturating_sub(from.offset));
        let bytes = &bytes[..bytes.len().min(left.unwrap_or(usize::MAX))];
        Ok(render(
            from,
            bytes,
            Limits {
                rows,
                ..Limits::ALL
            },
        ))
    }

    /// The row that is being written at the end, if one is.
    pub(super) async fn tail(&self) -> Result<Option<Part>, PageError> {
        if self.end.offset >= self.head.kept {
            return Ok(None);
        }
        let (_, bytes) = read(self.app, self.attempt, self.end.offset).await?;
        let whole = Limits {
            rows: 1,
            last: true,
            ..Limits::ALL
        };
        Ok(Some(render(
            self.end.clone(),
            &bytes[..bytes.len().min(ROW_LIMIT)],
            whole,
        )))
    }
}
