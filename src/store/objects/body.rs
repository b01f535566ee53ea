//! An object's bytes as they are read.

use std::io::SeekFrom;

use aqueduct_ports::store::{ObjectBody, ObjectError};
use futures_util::StreamExt;
use object_store::{GetResult, GetResultPayload};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

/// Bytes read at once.
const READ: usize = 256 << 10;

/// The asked range of what was found. A file stays readable once it is open, also if its object is deleted meanwhile.
pub(super) async fn of(found: GetResult) -> Result<ObjectBody, ObjectError> {
    let range = found.range.clone();
    let GetResultPayload::File(file, _) = found.payload else {
        let unavailable = |error: object_store::Error| ObjectError::Unavailable(error.to_string());
        let stream = found.into_stream();
        return Ok(stream.map(move |bytes| bytes.map_err(unavailable)).boxed());
    };
    let unavailable = |error: std::io::Error| ObjectError::Unavailable(error.to_string());
    let mut file = tokio::fs::File::from_std(file);
    let begin = file.seek(SeekFrom::Start(range.start)).await;
    begin.map_err(unavailable)?;
    let length = range.end - range.start;
    let stream = ReaderStream::with_capacity(file.take(length), READ);
    Ok(stream.map(move |bytes| bytes.map_err(unavailable)).boxed())
}
