//! A job, its log and what it left.

use aqueduct_core::id::{GlobalAttempt, GlobalJobId, ManagerId};
use aqueduct_pages::{JobFacts, JobPage, LogPart, LogView, Nav, Shell};
use aqueduct_ports::store::{JobRow, StoreError};
use axum::{
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;

use super::{
    error::{PageError, page},
    logs::{self, Log},
    session::Viewer,
};
use crate::App;

/// Rows of a part of a log.
pub(super) const ROWS: u64 = 1000;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    attempt: Option<u32>,
    line: Option<u64>,
    /// Everything but the log.
    head: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    Viewer(person): Viewer,
    id: Result<Path<u64>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let (Path(id), Query(asked)) = (id?, asked?);
    let facts = facts(&app, GlobalJobId(id), &asked).await;
    let facts = facts.map_err(|error| error.seen_by(person.clone()))?;
    let title = format!(
        "{} · {} · {}",
        facts.job.status, facts.job.name, facts.project
    );
    let attempt = asked.attempt.map(|number| format!("&attempt={number}"));
    let shell = Shell {
        refresh: Some(format!("/jobs/{id}?head=1{}", attempt.unwrap_or_default())),
        ..Shell::new(title, &person, Nav::Pipelines)
    };
    let now = app.ports.clock.now();
    page(StatusCode::OK, &JobPage::new(shell, &facts, now))
}

async fn facts(app: &App, id: GlobalJobId, asked: &Asked) -> Result<JobFacts, PageError> {
    let row = find(app, id).await?;
    let view = app.fleet().view(row.pipeline).await?;
    let at = row.position as usize;
    let (_, job) = view
        .jobs
        .into_iter()
        .nth(at)
        .ok_or_else(PageError::missing)?;
    let plan = view
        .plan
        .jobs
        .get(at)
        .ok_or_else(PageError::missing)?
        .clone();
    let attempt = asked.attempt.unwrap_or(job.attempt).min(job.attempt);
    let manager = view.managers.get(at).copied().flatten();
    let wanted = GlobalAttempt { job: id, attempt };
    let log = logs::open(app, wanted).await?;
    let part = match asked.head {
        Some(_) => None,
        None => Some(part(&log, asked.line).await?),
    };
    Ok(JobFacts {
        pipeline: view.row,
        project: view.project,
        id,
        plan,
        job,
        runner: runner(app, manager).await?,
        place: view.places.into_iter().nth(at).flatten(),
        release: view.releases.into_iter().nth(at).flatten(),
        artifacts: app.store().artifacts_of_job(id).await?,
        attempt,
        log: LogView {
            part,
            bytes: log.head.kept,
            lines: log.end.lines,
            lost: log.head.received - log.head.kept,
        },
    })
}

/// A part that begins a little before a line, or the last one.
async fn part(log: &Log<'_>, line: Option<u64>) -> Result<LogPart, PageError> {
    let newest = log.end.lines.saturating_sub(ROWS) + 1;
    let first = match line {
        // What led to a line is worth seeing too.
        Some(line) if line < newest => line.saturating_sub(20).max(1),
        _ => newest,
    };
    let from = log.at_line(first).await?;
    let part = log.rows(from, ROWS as usize).await?;
    let more = part.to.offset < log.end.offset;
    let tail = if more { None } else { log.tail().await? };
    Ok(LogPart {
        part,
        tail,
        more,
        rows: ROWS,
    })
}

/// What people call a runner.
async fn runner(app: &App, manager: Option<ManagerId>) -> Result<Option<String>, StoreError> {
    let Some(manager) = manager else {
        return Ok(None);
    };
    let Some(manager) = app.store().manager(manager).await? else {
        return Ok(Some("one that was removed".to_owned()));
    };
    let runner = app.store().runner(manager.runner).await?;
    let name = runner.map(|runner| runner.settings.description);
    let name = name.filter(|name| !name.is_empty());
    Ok(Some(name.unwrap_or_else(|| format!("#{}", manager.runner))))
}

async fn find(app: &App, id: GlobalJobId) -> Result<JobRow, PageError> {
    app.store().job(id).await?.ok_or_else(PageError::missing)
}

/// The whole log as it is.
pub(super) async fn raw(
    State(app): State<App>,
    _viewer: Viewer,
    id: Result<Path<u64>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let (Path(id), Query(asked)) = (id?, asked?);
    let row = find(&app, GlobalJobId(id)).await?;
    let attempt = GlobalAttempt {
        job: row.id,
        attempt: asked.attempt.unwrap_or(row.attempt),
    };
    let pieces = stream::try_unfold(0, move |from| {
        let app = app.clone();
        async move {
            let read = logs::read(&app, attempt, from).await;
            // What broke is in the journal; the reader sees a log that ends too early.
            let (_, bytes) = read.map_err(|_| std::io::Error::other("the log can't be read"))?;
            let next = from + bytes.len() as u64;
            Ok::<_, std::io::Error>((!bytes.is_empty()).then_some((bytes, next)))
        }
    });
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response())
}

/// What an attempt left, to be kept: a browser never shows it as a page of ours.
pub(super) async fn artifact(
    State(app): State<App>,
    _viewer: Viewer,
    place: Result<Path<(u64, String)>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let (Path((id, kind)), Query(asked)) = (place?, asked?);
    let row = find(&app, GlobalJobId(id)).await?;
    let attempt = GlobalAttempt {
        job: row.id,
        attempt: asked.attempt.unwrap_or(row.attempt),
    };
    let left = app.store().artifacts_of(attempt).await?;
    let one = left.into_iter().find(|one| one.kind == kind);
    let one = one.ok_or_else(PageError::missing)?;
    let body = app.ports.objects.get(&one.object, None).await?;
    let body = body.map(|piece| piece.map_err(std::io::Error::other));
    // Quotes and line ends of a name would end the header's value.
    let safe = |c: char| c.is_ascii_alphanumeric() || "._- ".contains(c);
    let name: String = one
        .file_name
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, one.size.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}
