//! Sealing: the chunks of a trace become one object.

use std::sync::Arc;

use aqueduct_core::{
    id::GlobalAttempt,
    object::{self, ObjectKind},
    time::{Millis, Timestamp},
};
use aqueduct_ports::store::{ObjectBody, ObjectError, Objects, Store, StoreError, TracePlace};
use futures_util::{StreamExt, stream};

use super::ArchiveError;

/// Bytes of a trace in memory at once.
const PART: u64 = 1 << 20;
/// Longer than writing the longest trace takes; after a kill the half object waits so long to be swept.
const RESERVED: Millis = Millis::from_secs(3600);

/// Seals a trace that nobody appends to any more; whether it is sealed now. `false`: there was nothing to seal, or it grew
/// meanwhile and waits for the next round. `unique` is random: it names the object. A kill at any moment leaves the trace as it was.
pub async fn seal_trace(
    store: &Arc<dyn Store>,
    objects: &dyn Objects,
    attempt: GlobalAttempt,
    unique: &str,
    now: Timestamp,
) -> Result<bool, ArchiveError> {
    let head = store.trace_head(attempt).await?;
    if head.sealed.is_some() || head.kept == 0 {
        return Ok(head.sealed.is_some());
    }
    let key = object::key(ObjectKind::Trace, attempt, unique);
    store.reserve_object(&key, now + RESERVED).await?;
    let body = chunks(Arc::clone(store), attempt, head.kept);
    let written = objects.put(&key, body, head.kept).await?;
    match store.seal_trace(attempt, written.size, &key).await {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The first `kept` bytes, part by part.
fn chunks(store: Arc<dyn Store>, attempt: GlobalAttempt, kept: u64) -> ObjectBody {
    let parts = stream::try_unfold(0, move |at| {
        let store = Arc::clone(&store);
        async move {
            if at >= kept {
                return Ok(None);
            }
            let part = store.read_trace(attempt, at, PART.min(kept - at)).await;
            let part = part.map_err(|error| ObjectError::Interrupted(error.to_string()))?;
            match part.place {
                TracePlace::Here(bytes) if !bytes.is_empty() => {
                    let next = at + bytes.len() as u64;
                    Ok(Some((bytes, next)))
                }
                _ => Err(ObjectError::Interrupted(
                    "it was sealed meanwhile".to_owned(),
                )),
            }
        }
    });
    parts.boxed()
}

/// Removes objects that nobody needs, at most `limit`; how many. One that can't be removed waits for the next round.
pub async fn sweep_objects(
    store: &dyn Store,
    objects: &dyn Objects,
    now: Timestamp,
    limit: u32,
) -> Result<u64, ArchiveError> {
    let mut removed = 0;
    for key in store.garbage(now, limit).await? {
        if store.claim_garbage(&key, now).await? {
            objects.delete(&key).await?;
            store.garbage_removed(&key).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
