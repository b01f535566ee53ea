//! `PATCH jobs/:id/trace` (runner-protocol 4.2).

use aqueduct_core::api::runner::{Secret, http, range};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use super::{
    super::error::ApiError,
    job_auth::{lease_time, over, reporter, standing_headers, text},
};
use crate::App;

/// Appends a piece that begins where the stored trace ends. Any other is answered with where that is.
pub(super) async fn append(
    State(app): State<App>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    piece: Bytes,
) -> Result<Response, ApiError> {
    let holder = reporter(&app, id, &headers, &Secret::default()).await?;
    let start = headers
        .get(http::CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(range::content_start)
        .ok_or_else(|| ApiError::bad("Content-Range is missing or is no START-END"))?;
    let end = start.saturating_add(piece.len() as u64);
    let lease = lease_time(&app, &headers);
    let (standing, appended) = app
        .fleet()
        .append_trace(&holder, start, piece, lease)
        .await?;
    let mut headers = standing_headers(&app, &holder, standing).await?;
    let Some(appended) = appended else {
        return Err(over(aqueduct_core::run::Status::Failed));
    };
    let stored = appended.head.received;
    if let Ok(value) = HeaderValue::from_str(&range::stored_range(stored)) {
        headers.insert(http::RANGE, value);
    }
    // A repeat of what is there is as good as a fresh piece, if nothing lies behind it.
    let status = if stored == end {
        StatusCode::ACCEPTED
    } else {
        StatusCode::RANGE_NOT_SATISFIABLE
    };
    Ok((status, headers, text(status)).into_response())
}
