//! A log that goes on while somebody looks at it.

use std::time::Duration;

use aqueduct_core::id::{GlobalAttempt, GlobalJobId, PipelineId};
use aqueduct_engine::fleet::{Change, Heard};
use aqueduct_pages::log::{self, Op};
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::{Response, sse::Event},
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, sleep, timeout_at},
};

use super::{
    error::PageError,
    events::{LIFE, change, stream_of},
    job::ROWS,
    logs,
    session::Viewer,
};
use crate::App;

/// Pause between two events: what came meanwhile is one.
const PAUSE: Duration = Duration::from_millis(200);
/// Whoever is further behind is shown the end, not everything before it.
const BEHIND: u64 = 2 << 20;

/// Which log, from where.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Asked {
    attempt: u32,
    from: u64,
}

/// What an event adds to a log.
#[derive(Serialize)]
struct Rows<'a> {
    ops: &'a [Op],
    /// The row that is being written.
    tail: String,
    /// What was shown until now goes: there is too much in between.
    skipped: bool,
}

/// Tells what a log goes on with, and that the job's page may look different.
pub(super) async fn follow(
    State(app): State<App>,
    _viewer: Viewer,
    id: Result<Path<u64>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (Path(id), Query(asked)) = (id?, asked?);
    let job = app.store().job(GlobalJobId(id)).await?;
    let job = job.ok_or_else(PageError::missing)?;
    // Where the connection that broke was.
    let last = headers.get("last-event-id");
    let last = last.and_then(|value| value.to_str().ok()?.parse().ok());
    let follower = Follower {
        app,
        pipeline: job.pipeline,
        attempt: GlobalAttempt {
            job: job.id,
            attempt: asked.attempt,
        },
        at: last.unwrap_or(asked.from),
        tail: String::new(),
        ended: false,
    };
    Ok(stream_of(
        |sender| async move { follower.tell(&sender).await },
    ))
}

/// Somebody who looks at a log.
struct Follower {
    app: App,
    pipeline: PipelineId,
    attempt: GlobalAttempt,
    /// How far it was told.
    at: u64,
    /// What was told of the row that is being written.
    tail: String,
    /// It was told that the log goes on no more.
    ended: bool,
}

/// Nobody listens any more, or nothing can be told.
struct Gone;

impl Follower {
    async fn tell(mut self, sender: &Sender<Event>) {
        let mut watcher = self.app.fleet().watch();
        let end = Instant::now() + LIFE;
        let mut moved = true;
        while Instant::now() < end && !sender.is_closed() {
            if moved && sender.send(change()).await.is_err() {
                return;
            }
            if self.tell_rows(sender).await.is_err() {
                return;
            }
            sleep(PAUSE).await;
            moved = loop {
                let heard = tokio::select! {
                    heard = timeout_at(end, watcher.next()) => heard,
                    () = sender.closed() => return,
                    () = self.app.drained() => return,
                };
                match heard {
                    Ok(heard) if self.is_of_trace(heard) => break false,
                    Ok(heard) if self.is_of_pipeline(heard) => break true,
                    Ok(_) => {}
                    Err(_) => return,
                }
            };
        }
    }

    fn is_of_trace(&self, heard: Heard) -> bool {
        matches!(heard, Heard::Change(Change::Trace { attempt, .. }) if attempt == self.attempt)
    }

    fn is_of_pipeline(&self, heard: Heard) -> bool {
        match heard {
            Heard::Missed => true,
            Heard::Change(Change::Pipeline { pipeline, .. }) => pipeline == self.pipeline,
            Heard::Change(_) => false,
        }
    }

    /// Everything that the log has now.
    async fn tell_rows(&mut self, sender: &Sender<Event>) -> Result<(), Gone> {
        if self.ended {
            return Ok(());
        }
        // First whether it is over, then what is there: nothing is added in between that would be missed.
        let over = self.is_over().await?;
        while self.tell_some(sender).await? {
            sleep(PAUSE).await;
        }
        if over {
            let event = Event::default()
                .event("end")
                .id(self.at.to_string())
                .data("{}");
            sender.send(event).await.map_err(|_| Gone)?;
            self.ended = true;
        }
        Ok(())
    }

    /// Some of it; whether there may be more.
    async fn tell_some(&mut self, sender: &Sender<Event>) -> Result<bool, Gone> {
        let log = logs::open(&self.app, self.attempt)
            .await
            .map_err(|_| Gone)?;
        let skipped = log.end.offset.saturating_sub(self.at) > BEHIND;
        let from = if skipped {
            log.at_line(log.end.lines.saturating_sub(ROWS) + 1).await
        } else {
            log.at_offset(self.at).await
        };
        let part = log.rows(from.map_err(|_| Gone)?, ROWS as usize).await;
        let part = part.map_err(|_| Gone)?;
        let more = part.to.offset < log.end.offset;
        let tail = if more {
            None
        } else {
            log.tail().await.map_err(|_| Gone)?
        };
        let tail = tail.as_ref().map(log::rows).unwrap_or_default();
        if part.to.offset == self.at && tail == self.tail {
            return Ok(false);
        }
        let rows = Rows {
            ops: &part.ops,
            tail: tail.clone(),
            skipped,
        };
        let event = Event::default()
            .event("rows")
            .id(part.to.offset.to_string());
        let event = event.json_data(&rows).map_err(|_| Gone)?;
        sender.send(event).await.map_err(|_| Gone)?;
        (self.at, self.tail) = (part.to.offset, tail);
        Ok(more)
    }

    async fn is_over(&self) -> Result<bool, Gone> {
        let row = self.app.store().job(self.attempt.job).await;
        let row = row.map_err(|_| Gone)?.ok_or(Gone)?;
        Ok(row.attempt > self.attempt.attempt || row.status.is_terminal())
    }
}
