//! The conformance suite of [`Objects`].

#![expect(
    clippy::unwrap_used,
    reason = "a case panics where the contract is broken: that is its purpose"
)]

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::store::{ObjectBody, ObjectError, Objects};

/// Makes a test of every case. `$open` is an async function without arguments that gives something which dereferences to
/// [`Objects`] and keeps it open; every call must give an empty one.
#[macro_export]
macro_rules! objects_conformance {
    ($open:path) => {
        $crate::objects_conformance!(@cases $open;
            objects_come_back objects_are_read_in_ranges a_later_object_replaces
            half_an_object_is_none too_large_is_told keys_lead_nowhere_else
            deletion_is_idempotent whoever_hangs_up_leaves_nothing
        );
    };
    (@cases $open:path; $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let objects = $open().await;
                $crate::conformance::objects::$case(&*objects).await;
            }
        )+
    };
}

const NO_LIMIT: u64 = u64::MAX;

fn body(pieces: &[&'static [u8]]) -> ObjectBody {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| Ok(Bytes::from_static(piece)))
        .collect();
    stream::iter(pieces).boxed()
}

async fn read(objects: &dyn Objects, key: &str) -> Result<Vec<u8>, ObjectError> {
    gather(objects.get(key, None).await?).await
}

async fn gather(mut body: ObjectBody) -> Result<Vec<u8>, ObjectError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

/// Whatever pieces they came in, also none.
pub async fn objects_come_back(objects: &dyn Objects) {
    let info = objects
        .put("a/1", body(&[b"ab", b"", b"c"]), NO_LIMIT)
        .await
        .unwrap();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((info.size, info.sha256.as_str()), (3, abc));
    assert_eq!(read(objects, "a/1").await.unwrap(), b"abc");
    assert_eq!(objects.size("a/1").await.unwrap(), Some(3));
    objects.put("a/2", body(&[]), NO_LIMIT).await.unwrap();
    assert_eq!(read(objects, "a/2").await.unwrap(), b"");
    assert_eq!(objects.size("a/2").await.unwrap(), Some(0));
    assert_eq!(objects.size("a/3").await.unwrap(), None);
    let missing = Err(ObjectError::Missing("a/3".to_owned()));
    assert_eq!(read(objects, "a/3").await, missing);
}

/// Of an object of several megabytes.
pub async fn objects_are_read_in_ranges(objects: &dyn Objects) {
    let whole: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let pieces: Vec<_> = whole
        .chunks(70_001)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let info = objects
        .put("a/1", stream::iter(pieces).boxed(), NO_LIMIT)
        .await
        .unwrap();
    assert_eq!(info.size, 3_000_000);
    for (from, to) in [
        (0, 1),
        (0, 3_000_000),
        (1_500_000, 1_500_000),
        (2_999_999, 3_000_000),
        (999, 2_000_001),
    ] {
        let part = objects.get("a/1", Some(from..to)).await.unwrap();
        let part = gather(part).await.unwrap();
        assert!(part == whole[from as usize..to as usize], "{from}..{to}");
    }
}

/// And its length is its own.
pub async fn a_later_object_replaces(objects: &dyn Objects) {
    objects
        .put("a/1", body(&[b"the longer one"]), NO_LIMIT)
        .await
        .unwrap();
    objects
        .put("a/1", body(&[b"short"]), NO_LIMIT)
        .await
        .unwrap();
    assert_eq!(read(objects, "a/1").await.unwrap(), b"short");
}

/// An error of the sender is answered as it is, and an earlier object stays.
pub async fn half_an_object_is_none(objects: &dyn Objects) {
    let error = ObjectError::Interrupted("connection reset".to_owned());
    for key in ["a/1", "a/2"] {
        if key == "a/2" {
            objects
                .put(key, body(&[b"before"]), NO_LIMIT)
                .await
                .unwrap();
        }
        let pieces = [Ok(Bytes::from_static(b"half")), Err(error.clone())];
        let put = objects
            .put(key, stream::iter(pieces).boxed(), NO_LIMIT)
            .await;
        assert_eq!(put, Err(error.clone()));
    }
    assert_eq!(objects.size("a/1").await.unwrap(), None);
    assert_eq!(read(objects, "a/2").await.unwrap(), b"before");
}

/// At the limit it is kept.
pub async fn too_large_is_told(objects: &dyn Objects) {
    objects.put("a/1", body(&[b"ab", b"cd"]), 4).await.unwrap();
    let put = objects.put("a/2", body(&[b"ab", b"cde"]), 4).await;
    assert_eq!(put, Err(ObjectError::TooLarge { limit: 4 }));
    assert_eq!(objects.size("a/2").await.unwrap(), None);
}

/// Not out of the place where objects lie.
pub async fn keys_lead_nowhere_else(objects: &dyn Objects) {
    for key in ["../outside", "a/../../outside", "a/./b", "a//b"] {
        let missing = Err(ObjectError::Missing(key.to_owned()));
        assert_eq!(read(objects, key).await, missing);
        let put = objects.put(key, body(&[b"x"]), NO_LIMIT).await;
        assert!(put.is_err(), "{key}");
    }
}

/// Of one that is there, and of one that is not.
pub async fn deletion_is_idempotent(objects: &dyn Objects) {
    objects.put("a/1", body(&[b"x"]), NO_LIMIT).await.unwrap();
    objects.delete("a/1").await.unwrap();
    objects.delete("a/1").await.unwrap();
    assert_eq!(objects.size("a/1").await.unwrap(), None);
}

/// The call is dropped while bytes still come: they become a whole object or none.
pub async fn whoever_hangs_up_leaves_nothing(objects: &dyn Objects) {
    let slow = stream::unfold(0, |sent| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        (sent < 10).then(|| (Ok(Bytes::from_static(b"x")), sent + 1))
    });
    let put = objects.put("a/1", slow.boxed(), NO_LIMIT);
    let hung_up = tokio::time::timeout(Duration::from_millis(50), put).await;
    assert!(hung_up.is_err(), "it was to last longer");
    assert_eq!(objects.size("a/1").await.unwrap(), None);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let size = objects.size("a/1").await.unwrap();
    assert!(size.is_none() || size == Some(10), "{size:?}");
}
