//! PostgreSQL: the same suite, and what only a server can have.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use aqueduct_core::{id::ProjectId, time::Timestamp};
use aqueduct_ports::{
    store::{Meta, Projects, Store, StoreError},
    store_conformance,
};
use aqueduct_store::{Database, OpenError};
use aqueduct_testkit::postgres::Postgres;

/// One server for the tests that run at the same time; the last of them stops it.
static SERVER: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

pub(crate) fn server() -> Arc<Postgres> {
    let mut shared = SERVER.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Postgres::start().unwrap());
        *shared = Arc::downgrade(&server);
        server
    })
}

/// A database of its own on a server that is shared.
struct Opened {
    database: Database,
    _server: Arc<Postgres>,
}

impl Deref for Opened {
    type Target = dyn Store;
    fn deref(&self) -> &Self::Target {
        &self.database
    }
}

async fn open() -> Opened {
    let server = server();
    let url = server.database().unwrap();
    Opened {
        database: Database::postgres(&url).await.unwrap(),
        _server: server,
    }
}

store_conformance!(open);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_comes_back() {
    let mut server = Postgres::start_durable().unwrap();
    let url = server.database().unwrap();
    let database = Database::postgres(&url).await.unwrap();
    database.set_meta("key", "before").await.unwrap();
    server.stop();
    let unavailable = |answer: Result<(), StoreError>| {
        assert!(
            matches!(answer, Err(StoreError::Unavailable(_))),
            "{answer:?}"
        );
    };
    let meanwhile = database.set_meta("key", "meanwhile");
    let (write, read) = tokio::join!(meanwhile, database.project(ProjectId(1)));
    unavailable(write);
    unavailable(read.map(drop));
    server.start_again().unwrap();
    let mut answer = database.set_meta("key", "after").await;
    for _ in 0..100 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = database.set_meta("key", "after").await;
    }
    answer.unwrap();
    assert_eq!(
        database.meta("key").await.unwrap().as_deref(),
        Some("after")
    );
}

#[tokio::test]
async fn opening_again_keeps_what_is_there() {
    let server = server();
    let url = server.database().unwrap();
    let first = Database::postgres(&url).await.unwrap();
    first.alive(Timestamp(5)).await.unwrap();
    first.close().await;
    let second = Database::postgres(&url).await.unwrap();
    assert_eq!(second.alive(Timestamp(6)).await, Ok(Some(Timestamp(5))));
}

#[tokio::test]
async fn an_error_never_repeats_the_password() {
    let table = [
        ("mysql://u:hunter2@localhost/x", "not of the form"),
        ("hunter2", "not of the form"),
        ("postgres://u:hunter2@127.0.0.1:1/x", "can't be used"),
    ];
    for (url, says) in table {
        let error = Database::postgres(url).await.err().unwrap();
        let text = format!("{error} {error:?}");
        assert!(text.contains(says), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let bad = Database::postgres("x").await.err();
    assert!(matches!(bad, Some(OpenError::BadUrl)));
}
