//! `GET jobs/:id/artifacts` (runner-protocol 5.2).

use std::ops::Range;

use aqueduct_core::{
    api::runner::{Secret, artifact, http},
    id::{GlobalAttempt, GlobalJobId},
};
use aqueduct_ports::store::Artifact;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::super::{error::ApiError, token::header_or};
use crate::App;

/// The archive of a job, whole or a range of it, to who may read in its project.
pub(super) async fn download(
    State(app): State<App>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token = header_or(&headers, http::JOB_TOKEN, &Secret::default());
    let holder = app.fleet().holder(&token).ok_or_else(ApiError::forbidden)?;
    let row = app.store().job(GlobalJobId(id)).await?;
    let row = row.ok_or_else(ApiError::missing)?;
    if row.project != holder.project {
        return Err(ApiError::forbidden());
    }
    let attempt = GlobalAttempt {
        job: row.id,
        attempt: row.attempt,
    };
    let left = app.store().artifacts_of(attempt).await?;
    let archive = left
        .into_iter()
        .find(|one| one.kind == artifact::ARCHIVE)
        .ok_or_else(ApiError::missing)?;
    send(&app, &archive, &headers).await
}

async fn send(app: &App, archive: &Artifact, asked: &HeaderMap) -> Result<Response, ApiError> {
    let range = asked
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| range(value, archive.size));
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", archive.sha256)) {
        headers.insert(header::ETAG, tag);
    }
    let (status, length) = match &range {
        None => (StatusCode::OK, archive.size),
        Some(range) => {
            let text = format!("bytes {}-{}/{}", range.start, range.end - 1, archive.size);
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            (StatusCode::PARTIAL_CONTENT, range.end - range.start)
        }
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let body = app.ports.objects.get(&archive.object, range).await?;
    Ok((status, headers, Body::from_stream(body)).into_response())
}

/// One range of a file of `size` bytes; anything else (several, beyond the end, malformed) is answered with the whole, which
/// is always right (RFC 9110, 14.2).
fn range(header: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let range = if first.is_empty() {
        let suffix: u64 = last.parse().ok()?;
        size.saturating_sub(suffix)..size
    } else {
        let first: u64 = first.parse().ok()?;
        let end = match last {
            "" => size,
            last => last.parse::<u64>().ok()?.saturating_add(1).min(size),
        };
        first..end
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_inside_of_the_file_is_taken() {
        for (header, expected) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-", Some(2..10)),
            ("bytes=2-99", Some(2..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=10-", None),
            ("bytes=5-2", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=-0", None),
        ] {
            assert_eq!(range(header, 10), expected, "{header}");
        }
    }
}
