//! Traces.

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId},
    run::Status,
};
use bytes::Bytes;
use futures_util::future::join_all;

use super::samples::{NOW, assert_conflict, attempt, change, job_change, later, pipeline};
use crate::store::{Appended, Store, TraceHead, TracePlace};

const AT: GlobalAttempt = attempt(GlobalJobId(1), 1);
const NO_LIMIT: u64 = 1 << 40;

async fn append(store: &dyn Store, offset: u64, text: &str) -> Appended {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let appended = store.append_trace(AT, offset, bytes, NO_LIMIT, NOW).await;
    appended.expect("a trace can be appended to")
}

async fn read(store: &dyn Store, from: u64, limit: u64) -> String {
    let part = store.read_trace(AT, from, limit).await.unwrap();
    match part.place {
        TracePlace::Here(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        TracePlace::Object(key) => panic!("not sealed, but in {key}"),
    }
}

/// Repeats and overlaps add only what is new, and the checksum is that of the whole.
pub async fn traces_append_once(store: &dyn Store) {
    assert_eq!(store.trace_head(AT).await.unwrap(), TraceHead::default());
    let table = [
        (0, "hello ", 6),
        (0, "hello ", 6),
        (3, "lo world", 11),
        (0, "hel", 11),
        (11, "", 11),
        (11, "!", 12),
    ];
    for (offset, text, received) in table {
        let appended = append(store, offset, text).await;
        assert_eq!(appended.head.received, received, "{offset} {text:?}");
        assert_eq!(store.trace_head(AT).await.unwrap(), appended.head);
    }
    assert_eq!(read(store, 0, 100).await, "hello world!");
    // CRC-32 of "hello world!".
    assert_eq!(store.trace_head(AT).await.unwrap().crc32, 0x03b4_c26d);
}

/// The answer says where to go on.
pub async fn traces_refuse_gaps(store: &dyn Store) {
    let appended = append(store, 5, "late").await;
    assert_eq!(appended.head, TraceHead::default());
    append(store, 0, "begin").await;
    assert_eq!(append(store, 6, "late").await.head.received, 5);
    assert_eq!(read(store, 0, 100).await, "begin");
}

/// The rest is received but not kept, and it is told once.
pub async fn traces_keep_up_to_the_limit(store: &dyn Store) {
    let table = [
        (0, "abcdef", (6, 6, false)),
        (6, "ghijkl", (12, 8, true)),
        (6, "ghijkl", (12, 8, false)),
        (12, "mno", (15, 8, false)),
    ];
    for (offset, text, expected) in table {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let appended = store.append_trace(AT, offset, bytes, 8, NOW).await.unwrap();
        let head = &appended.head;
        let told = (head.received, head.kept, appended.limit_reached);
        assert_eq!(told, expected, "{offset} {text:?}");
    }
    assert_eq!(read(store, 0, 100).await, "abcdefgh");
}

/// From any byte, in parts of any size, over the borders of chunks.
pub async fn traces_read_anywhere(store: &dyn Store) {
    let text = "abc|defg|h|ijklmnop";
    let mut offset = 0;
    for chunk in text.split_inclusive('|') {
        append(store, offset, chunk).await;
        offset += chunk.len() as u64;
    }
    for from in 0..=text.len() + 2 {
        for limit in [1, 2, 7, 100] {
            let part = read(store, from as u64, limit).await;
            let rest = text.get(from..).unwrap_or_default();
            assert!(rest.starts_with(&part), "{from} {limit}: {part}");
            assert!(part.len() as u64 <= limit);
            assert_eq!(part.is_empty(), rest.is_empty(), "{from} {limit}");
        }
    }
    let mut whole = String::new();
    while whole.len() < text.len() {
        whole += &read(store, whole.len() as u64, 5).await;
    }
    assert_eq!(whole, text);
}

/// A retry begins at zero, and the earlier attempt's stays.
pub async fn attempts_have_traces_of_their_own(store: &dyn Store) {
    append(store, 0, "first").await;
    let second = attempt(GlobalJobId(1), 2);
    let bytes = Bytes::from_static(b"second");
    let appended = store.append_trace(second, 0, bytes, NO_LIMIT, NOW).await;
    assert_eq!(appended.unwrap().head.received, 6);
    assert_eq!(read(store, 0, 100).await, "first");
}

/// It takes nothing more, and repeats are still answered.
pub async fn a_sealed_trace_is_an_object(store: &dyn Store) {
    append(store, 0, "abc").await;
    append(store, 3, "def").await;
    store
        .reserve_object("traces/0/a", later(60_000))
        .await
        .unwrap();
    store.seal_trace(AT, 6, "traces/0/a").await.unwrap();
    let part = store.read_trace(AT, 2, 10).await.unwrap();
    assert_eq!(part.place, TracePlace::Object("traces/0/a".to_owned()));
    assert_eq!((part.head.received, part.head.kept), (6, 6));
    assert_eq!(append(store, 3, "def").await.head.received, 6);
    assert_eq!(append(store, 6, "ghi").await.head.received, 6);
    let garbage = store.garbage(later(120_000), 10).await.unwrap();
    assert!(garbage.is_empty(), "the object is in use: {garbage:?}");
}

/// Nor twice, nor as an object that may be gone.
pub async fn a_trace_that_grew_is_not_sealed(store: &dyn Store) {
    append(store, 0, "abc").await;
    for key in ["traces/0/a", "traces/0/b"] {
        store.reserve_object(key, later(60_000)).await.unwrap();
    }
    assert_conflict(&store.seal_trace(AT, 2, "traces/0/a").await);
    assert_conflict(&store.seal_trace(AT, 3, "traces/0/unknown").await);
    assert_eq!(read(store, 0, 9).await, "abc");
    store.seal_trace(AT, 3, "traces/0/a").await.unwrap();
    assert_conflict(&store.seal_trace(AT, 3, "traces/0/b").await);
    let garbage = store.garbage(later(120_000), 10).await.unwrap();
    assert_eq!(garbage, ["traces/0/b"]);
}

/// And only once nobody appended for a while.
pub async fn only_ended_attempts_are_sealed(store: &dyn Store) {
    let made = pipeline(store, 3).await;
    let mut next = change(made.id, 1, Status::Running);
    next.jobs = vec![
        job_change(0, Status::Running, 2),
        job_change(1, Status::Success, 1),
        job_change(2, Status::Success, 1),
    ];
    store.commit_pipeline(&next).await.unwrap();
    let first = made.first_job;
    let (earlier, current) = (attempt(first, 1), attempt(first, 2));
    let (ended, silent) = (attempt(first.at(1), 1), attempt(first.at(2), 1));
    for (of, text, at) in [
        (earlier, "a", NOW),
        (current, "b", NOW),
        (ended, "c", later(500)),
        (silent, "", NOW),
    ] {
        let bytes = Bytes::from_static(text.as_bytes());
        store
            .append_trace(of, 0, bytes, NO_LIMIT, at)
            .await
            .unwrap();
    }
    let unsealed = store.unsealed_traces(later(499), 10).await.unwrap();
    assert_eq!(unsealed, [earlier]);
    let unsealed = store.unsealed_traces(later(500), 10).await.unwrap();
    assert_eq!(unsealed, [earlier, ended]);
    let unsealed = store.unsealed_traces(later(500), 1).await.unwrap();
    assert_eq!(unsealed, [earlier]);
    store
        .reserve_object("traces/0/a", later(900))
        .await
        .unwrap();
    store.seal_trace(earlier, 1, "traces/0/a").await.unwrap();
    let unsealed = store.unsealed_traces(later(500), 10).await.unwrap();
    assert_eq!(unsealed, [ended]);
}

/// Two that send the same trace at once, as after a lost answer, make one.
pub async fn appends_at_once_add_up(store: &dyn Store) {
    let lines: Vec<_> = (0..80).map(|line: u32| line.to_string()).collect();
    let text = lines.join("th line\n");
    let sender = || async {
        let mut offset = 0;
        while offset < text.len() {
            let end = text.len().min(offset + 13);
            let head = append(store, offset as u64, &text[offset..end]).await.head;
            offset = usize::try_from(head.received).unwrap();
        }
    };
    join_all((0..4).map(|_| sender())).await;
    assert_eq!(read(store, 0, 10_000).await, text);
}
