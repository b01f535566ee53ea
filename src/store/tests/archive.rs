//! Objects, and traces that become one.

use std::{ops::Deref, sync::Arc};

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId},
    time::{Millis, Timestamp},
};
use aqueduct_engine::archive::{read_trace, seal_trace, sweep_objects};
use aqueduct_ports::{
    objects_conformance,
    store::{Objects, Store, TracePlace},
};
use aqueduct_store::{Database, ObjectDirectory};
use bytes::Bytes;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_795_509_000_000);
const AT: GlobalAttempt = GlobalAttempt {
    job: GlobalJobId(7),
    attempt: 1,
};

struct Opened {
    objects: ObjectDirectory,
    dir: TempDir,
}

impl Deref for Opened {
    type Target = dyn Objects;
    fn deref(&self) -> &Self::Target {
        &self.objects
    }
}

fn opened() -> Opened {
    let dir = TempDir::new().unwrap();
    let objects = ObjectDirectory::open(dir.path()).unwrap();
    Opened { objects, dir }
}

fn open() -> std::future::Ready<Opened> {
    std::future::ready(opened())
}

objects_conformance!(open);

/// Files below a directory, by path relative to it.
fn files(dir: &TempDir) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![dir.path().to_path_buf()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let path = path.strip_prefix(dir.path()).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// A store with a trace of some megabytes, and that trace.
async fn traced(dir: &TempDir) -> (Arc<dyn Store>, Vec<u8>) {
    let store: Arc<dyn Store> = Arc::new(Database::sqlite(dir.path()).await.unwrap());
    let whole: Vec<u8> = (0..2_500_000_u32).map(|at| (at % 251) as u8).collect();
    let mut offset = 0;
    for chunk in whole.chunks(100_003) {
        let bytes = Bytes::copy_from_slice(chunk);
        let appended = store.append_trace(AT, offset, bytes, u64::MAX, NOW).await;
        offset = appended.unwrap().head.received;
    }
    (store, whole)
}

async fn read(store: &Arc<dyn Store>, objects: &dyn Objects) -> Vec<u8> {
    let mut read = Vec::new();
    loop {
        let from = read.len() as u64;
        let (_, bytes) = read_trace(&**store, objects, AT, from, 300_000)
            .await
            .unwrap();
        if bytes.is_empty() {
            return read;
        }
        read.extend_from_slice(&bytes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_reads_the_same_before_while_and_after_it_is_sealed() {
    let (objects, data) = (opened(), TempDir::new().unwrap());
    let (store, whole) = traced(&data).await;
    let reads = async {
        for _ in 0..6 {
            assert!(read(&store, &*objects).await == whole);
        }
    };
    let seal = async {
        tokio::task::yield_now().await;
        seal_trace(&store, &*objects, AT, "u1", NOW).await
    };
    let ((), sealed) = tokio::join!(reads, seal);
    assert!(sealed.unwrap());
    assert!(read(&store, &*objects).await == whole);
    let part = store.read_trace(AT, 0, 1).await.unwrap();
    assert_eq!(part.place, TracePlace::Object("traces/0/7-1-u1".to_owned()));
    let again = seal_trace(&store, &*objects, AT, "u2", NOW).await;
    assert!(again.unwrap(), "it is sealed");
    assert_eq!(files(&objects.dir), ["traces/0/7-1-u1"]);
}

#[tokio::test]
async fn what_a_killed_sealer_left_is_swept_and_the_trace_stays() {
    let (objects, data) = (opened(), TempDir::new().unwrap());
    let (store, whole) = traced(&data).await;
    let left = "traces/0/7-1-dead";
    store
        .reserve_object(left, NOW + Millis(1000))
        .await
        .unwrap();
    let folder = objects.dir.path().join("traces/0");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("7-1-dead#1"), b"half").unwrap();
    let early = sweep_objects(&*store, &*objects, NOW, 10).await.unwrap();
    assert_eq!((early, files(&objects.dir).len()), (0, 1));
    let due = NOW + Millis(1000);
    let swept = sweep_objects(&*store, &*objects, due, 10).await.unwrap();
    assert_eq!((swept, files(&objects.dir)), (1, Vec::new()));
    assert!(read(&store, &*objects).await == whole);
    assert!(store.garbage(due, 10).await.unwrap().is_empty());
}
