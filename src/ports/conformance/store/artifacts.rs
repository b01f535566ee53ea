//! Artifacts and objects.

use aqueduct_core::id::GlobalJobId;

use super::samples::{NOW, artifact, assert_conflict, attempt, later};
use crate::store::{Artifact, Store};

async fn put(store: &dyn Store, new: &Artifact) {
    store
        .reserve_object(&new.object, later(60_000))
        .await
        .unwrap();
    store.put_artifact(new).await.unwrap();
}

/// Of the same attempt; the replaced object is garbage at once, the new one is not.
pub async fn artifacts_replace_their_kind(store: &dyn Store) {
    let (first, second) = (attempt(GlobalJobId(7), 1), attempt(GlobalJobId(7), 2));
    for new in [
        artifact(first, "archive", "a"),
        artifact(first, "junit", "b"),
        artifact(second, "archive", "c"),
    ] {
        put(store, &new).await;
    }
    let mut newer = artifact(first, "archive", "d");
    (newer.size, newer.created) = (99, later(7));
    put(store, &newer).await;
    store.put_artifact(&newer).await.expect("a repeat is legal");
    let found = store.artifacts_of(first).await.unwrap();
    assert_eq!(found, [newer, artifact(first, "junit", "b")]);
    let of_job = store.artifacts_of_job(GlobalJobId(7)).await.unwrap();
    assert_eq!(of_job.len(), 3);
    assert_eq!(of_job[2], artifact(second, "archive", "c"));
    assert!(store.garbage(later(6), 10).await.unwrap().is_empty());
    assert_eq!(store.garbage(later(7), 10).await.unwrap(), ["a"]);
    assert_eq!(store.garbage(later(99_999), 10).await.unwrap(), ["a"]);
}

/// A row never names an object that may be gone.
pub async fn objects_need_a_reservation(store: &dyn Store) {
    let new = artifact(attempt(GlobalJobId(1), 1), "archive", "a");
    assert_conflict(&store.put_artifact(&new).await);
    store.reserve_object("a", later(10)).await.unwrap();
    assert!(store.claim_garbage("a", later(10)).await.unwrap());
    assert_conflict(&store.put_artifact(&new).await);
    assert_conflict(&store.reserve_object("a", later(99)).await);
    assert!(store.artifacts_of(new.attempt).await.unwrap().is_empty());
    store.garbage_removed("a").await.unwrap();
    put(store, &new).await;
    let elsewhere = artifact(attempt(GlobalJobId(2), 1), "archive", "a");
    assert_conflict(&store.put_artifact(&elsewhere).await);
}

/// Unless they are renewed or used.
pub async fn reservations_run_out(store: &dyn Store) {
    for key in ["a", "b", "c"] {
        store.reserve_object(key, later(100)).await.unwrap();
    }
    store.reserve_object("b", later(500)).await.unwrap();
    let used = artifact(attempt(GlobalJobId(1), 1), "archive", "c");
    store.put_artifact(&used).await.unwrap();
    assert!(store.garbage(later(99), 10).await.unwrap().is_empty());
    assert_eq!(store.garbage(later(100), 10).await.unwrap(), ["a"]);
    assert!(!store.claim_garbage("b", later(100)).await.unwrap());
    assert!(!store.claim_garbage("c", later(900)).await.unwrap());
    assert!(!store.claim_garbage("unknown", later(900)).await.unwrap());
    assert_eq!(store.garbage(later(500), 10).await.unwrap(), ["a", "b"]);
    assert_eq!(store.garbage(later(500), 1).await.unwrap(), ["a"]);
}

/// Those that say when.
pub async fn artifacts_expire(store: &dyn Store) {
    let of = attempt(GlobalJobId(1), 1);
    for (kind, object, expires) in [
        ("archive", "a", Some(later(100))),
        ("junit", "b", None),
        ("dotenv", "c", Some(later(200))),
    ] {
        let mut new = artifact(of, kind, object);
        new.expires = expires;
        put(store, &new).await;
    }
    assert_eq!(store.expire_artifacts(later(99), 10).await, Ok(0));
    assert_eq!(store.expire_artifacts(later(300), 1).await, Ok(1));
    assert_eq!(store.garbage(later(300), 10).await.unwrap(), ["a"]);
    assert_eq!(store.expire_artifacts(later(300), 10).await, Ok(1));
    let left = store.artifacts_of(of).await.unwrap();
    assert_eq!(left, [artifact(of, "junit", "b")]);
}

/// Until it was removed, also if whoever claimed it died meanwhile.
pub async fn claimed_garbage_stays_claimed(store: &dyn Store) {
    store.reserve_object("a", NOW).await.unwrap();
    assert!(store.claim_garbage("a", NOW).await.unwrap());
    assert_eq!(store.garbage(NOW, 10).await.unwrap(), ["a"]);
    assert!(store.claim_garbage("a", NOW).await.unwrap());
    store.garbage_removed("a").await.unwrap();
    store.garbage_removed("a").await.unwrap();
    assert!(store.garbage(later(99), 10).await.unwrap().is_empty());
    store.reserve_object("b", later(1)).await.unwrap();
    store.garbage_removed("b").await.unwrap();
    let kept = store.garbage(later(1), 10).await.unwrap();
    assert_eq!(kept, ["b"], "only what was claimed is forgotten");
}
