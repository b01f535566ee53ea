//! Telling open pages that something changed: server-sent events.
//!
//! A page that hears of a change asks for itself again. The lines of a log come with the events themselves, each event with the offset
//! that it leads to, so that a connection that broke goes on where it was.

use std::{convert::Infallible, time::Duration};

use aqueduct_core::id::{PipelineId, ProjectId};
use aqueduct_engine::fleet::{Change, Heard};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use serde::Deserialize;
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, sleep, timeout_at},
};

use super::{error::PageError, session::Viewer};
use crate::App;

/// Longest life of a connection: the browser opens another, and shows its session again.
pub(super) const LIFE: Duration = Duration::from_mins(10);
/// Changes that come closer together are one.
const PAUSE: Duration = Duration::from_millis(250);
/// Sign of life where nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is watched: all that is set must hold.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Watched {
    project: Option<ProjectId>,
    pipeline: Option<PipelineId>,
}

impl Watched {
    /// Whether a page that shows this may look different after a change. Traces show in logs alone.
    fn shows(self, heard: Heard) -> bool {
        match heard {
            Heard::Missed => true,
            Heard::Change(Change::Trace { .. }) => false,
            Heard::Change(Change::Project { project }) => {
                self.pipeline.is_none() && self.project.is_none_or(|wanted| wanted == project)
            }
            Heard::Change(Change::Pipeline { project, pipeline }) => {
                self.pipeline.is_none_or(|wanted| wanted == pipeline)
                    && self.project.is_none_or(|wanted| wanted == project)
            }
        }
    }
}

/// Tells whenever a page of what is watched may look different.
pub(super) async fn changes(
    State(app): State<App>,
    _viewer: Viewer,
    watched: Result<Query<Watched>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(watched) = watched?;
    Ok(stream_of(|sender| tell(app, watched, sender)))
}

/// A response whose events a task sends until it ends or nobody listens.
pub(super) fn stream_of<F>(send: impl FnOnce(Sender<Event>) -> F) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(send(sender));
    let events = stream::unfold(receiver, |mut receiver| async {
        let event = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    });
    let kept = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(events).keep_alive(kept).into_response();
    // nginx would hold events back until its buffer is full.
    response.headers_mut().insert(
        "x-accel-buffering",
        axum::http::HeaderValue::from_static("no"),
    );
    response
}

async fn tell(app: App, watched: Watched, sender: Sender<Event>) {
    let mut changes = app.fleet().watch();
    let end = Instant::now() + LIFE;
    // The page may be older than this.
    if sender.send(change()).await.is_err() {
        return;
    }
    loop {
        let heard = tokio::select! {
            heard = timeout_at(end, changes.next()) => heard,
            () = sender.closed() => return,
            () = app.drained() => return,
        };
        let Ok(heard) = heard else { return };
        if !watched.shows(heard) {
            continue;
        }
        sleep(PAUSE).await;
        if sender.send(change()).await.is_err() {
            return;
        }
    }
}

/// The event that has a page ask for itself again. Browsers drop events without data.
pub(super) fn change() -> Event {
    Event::default().event("change").data("{}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqueduct_core::id::{GlobalAttempt, GlobalJobId};

    #[test]
    fn pages_hear_of_what_they_show() {
        let of = |project: Option<u64>, pipeline: Option<u64>| Watched {
            project: project.map(ProjectId),
            pipeline: pipeline.map(PipelineId),
        };
        let moved = Heard::Change(Change::Pipeline {
            project: ProjectId(1),
            pipeline: PipelineId(2),
        });
        let head = Heard::Change(Change::Project {
            project: ProjectId(1),
        });
        let trace = Heard::Change(Change::Trace {
            pipeline: PipelineId(2),
            attempt: GlobalAttempt {
                job: GlobalJobId(1),
                attempt: 1,
            },
        });
        let table = [
            (of(None, None), [true, true, false]),
            (of(Some(1), None), [true, true, false]),
            (of(Some(2), None), [false, false, false]),
            (of(None, Some(2)), [true, false, false]),
            (of(None, Some(3)), [false, false, false]),
        ];
        for (watched, expected) in table {
            let shows = [moved, head, trace].map(|heard| watched.shows(heard));
            assert_eq!(shows, expected, "{watched:?}");
            assert!(watched.shows(Heard::Missed));
        }
    }
}
