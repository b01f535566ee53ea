//! `POST jobs/:id/artifacts` (runner-protocol 5.1).

use std::io::Read as _;

use aqueduct_core::{
    api::runner::{Secret, artifact},
    dotenv,
    lang::duration,
    object::{self, ObjectKind},
    time::Millis,
};
use aqueduct_engine::fleet::Holder;
use aqueduct_ports::store::{Artifact, ObjectBody, ObjectError, ObjectInfo};
use axum::{
    extract::{Multipart, Path, Query, State, multipart::Field},
    http::{HeaderMap, StatusCode},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{super::error::ApiError, job_auth::reporter};
use crate::App;

/// How long an upload may take before its object counts as garbage.
const UPLOAD: Millis = Millis::from_secs(6 * 3600);
/// Parts of a body on their way to the store.
const IN_FLIGHT: usize = 8;

/// Longest field of a form beside the file, in bytes.
const FIELD: usize = 1024;

/// What a runner says of an upload: a stock one in the address, others in fields of the form, before the file or after it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    artifact_type: String,
    artifact_format: String,
    expire_in: String,
}

impl Asked {
    /// Takes over a field of the form; anything else there (`metadata`, `accessibility`, `token`) is of no use here.
    async fn read(&mut self, field: Field<'_>) -> Result<(), ApiError> {
        let place = match field.name() {
            Some("artifact_type") => &mut self.artifact_type,
            Some("artifact_format") => &mut self.artifact_format,
            Some("expire_in") => &mut self.expire_in,
            _ => return drained(field).await,
        };
        let mut bytes = Vec::new();
        let mut field = field;
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > FIELD {
                return Err(ApiError::bad(format!(
                    "a field of the form has more than {FIELD} bytes"
                )));
            }
        }
        *place = String::from_utf8(bytes)
            .map_err(|_| ApiError::bad("a field of the form is no text"))?;
        Ok(())
    }
}

/// Reads a part to its end, keeping nothing.
async fn drained(mut field: Field<'_>) -> Result<(), ApiError> {
    while field
        .chunk()
        .await
        .map_err(|error| broken(&error))?
        .is_some()
    {}
    Ok(())
}

/// Stores an artifact, in place of an earlier one of its kind.
pub(super) async fn upload(
    State(app): State<App>,
    Path(id): Path<u64>,
    Query(mut asked): Query<Asked>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Result<StatusCode, ApiError> {
    let holder = reporter(&app, id, &headers, &Secret::default()).await?;
    if !holder.current {
        return Err(ApiError::forbidden());
    }
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        match field.name() {
            Some("file") if file.is_none() => file = Some(spool(&app, &holder, field).await?),
            Some("file") => return Err(ApiError::bad("the form has two parts named file")),
            _ => asked.read(field).await?,
        }
    }
    let file = file.ok_or_else(|| ApiError::bad("the form has no part named file"))?;
    store(&app, &holder, &asked, file).await?;
    Ok(StatusCode::CREATED)
}

/// A file that has arrived, and isn't anybody's artifact yet.
struct Spooled {
    name: String,
    key: String,
    info: ObjectInfo,
}

async fn spool(app: &App, holder: &Holder, field: Field<'_>) -> Result<Spooled, ApiError> {
    let name = field.file_name().unwrap_or("artifacts.zip").to_owned();
    let key = object::key(ObjectKind::Artifact, holder.attempt, &app.fleet().token(""));
    let until = app.ports.clock.now() + UPLOAD;
    app.store().reserve_object(&key, until).await?;
    let info = put(app, &key, field).await?;
    Ok(Spooled { name, key, info })
}

async fn store(app: &App, holder: &Holder, asked: &Asked, file: Spooled) -> Result<(), ApiError> {
    let now = app.ports.clock.now();
    let kind = match asked.artifact_type.as_str() {
        "" => artifact::ARCHIVE,
        kind => kind,
    };
    let row = Artifact {
        attempt: holder.attempt,
        kind: kind.to_owned(),
        format: artifact::Format::parse(&asked.artifact_format)
            .unwrap_or_default()
            .name()
            .to_owned(),
        file_name: file.name,
        size: file.info.size,
        sha256: file.info.sha256,
        object: file.key,
        expires: duration::parse(&asked.expire_in).map(|after| now + after),
        created: now,
    };
    if kind == artifact::DOTENV {
        read_dotenv(app, &row).await?;
    }
    app.store().put_artifact(&row).await?;
    Ok(())
}

/// Streams a part of the form to the store: neither holds more than a few pieces.
async fn put(app: &App, key: &str, field: Field<'_>) -> Result<ObjectInfo, ApiError> {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, ObjectError>>(IN_FLIGHT);
    let pieces = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let body: ObjectBody = pieces.boxed();
    let sending = async move {
        let mut field = field.map_err(|error| ObjectError::Interrupted(error.to_string()));
        while let Some(piece) = field.next().await {
            let last = piece.is_err();
            if sender.send(piece).await.is_err() || last {
                return;
            }
        }
    };
    let storing = app.ports.objects.put(key, body, app.config.artifact_limit);
    let (info, ()) = tokio::join!(storing, sending);
    Ok(info?)
}

/// The variables that the dotenv report holds among what an attempt left.
pub(super) async fn stored_dotenv(
    app: &App,
    left: &[Artifact],
) -> Result<Vec<(String, String)>, ApiError> {
    match left.iter().find(|one| one.kind == artifact::DOTENV) {
        Some(report) => read_dotenv(app, report).await,
        None => Ok(Vec::new()),
    }
}

/// Reads a report; a bad one is the job's fault (400).
async fn read_dotenv(app: &App, report: &Artifact) -> Result<Vec<(String, String)>, ApiError> {
    let most = dotenv::MAX_BYTES;
    let too_long = || ApiError::bad(format!("the dotenv report is longer than {most} bytes"));
    // Packed it is hardly longer than its text.
    if report.size > 4 * most {
        return Err(too_long());
    }
    let pieces = app.ports.objects.get(&report.object, None).await?;
    let packed: Vec<Bytes> = pieces.try_collect().await?;
    let mut text = Vec::new();
    let packed = packed.concat();
    let read = if report.format == "gzip" {
        let unpack = flate2::read::MultiGzDecoder::new(packed.as_slice());
        unpack.take(most + 1).read_to_end(&mut text)
    } else {
        packed.as_slice().take(most + 1).read_to_end(&mut text)
    };
    read.map_err(|error| ApiError::bad(format!("the dotenv report can't be unpacked: {error}")))?;
    if text.len() as u64 > most {
        return Err(too_long());
    }
    let pairs = dotenv::parse(&report.file_name, &text).map_err(ApiError::bad)?;
    if pairs.len() > dotenv::MAX_VARIABLES {
        return Err(ApiError::bad(format!(
            "the dotenv report holds {} variables, more than {}",
            pairs.len(),
            dotenv::MAX_VARIABLES
        )));
    }
    Ok(pairs)
}

fn broken(error: &axum::extract::multipart::MultipartError) -> ApiError {
    ApiError::new(error.status(), error.body_text())
}
