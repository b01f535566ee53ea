//! SQLite: the suite, and what only a file can have.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    process::Command,
};

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId},
    time::Timestamp,
};
use aqueduct_ports::{
    store::{Meta, Store, StoreError, Traces},
    store_conformance,
};
use aqueduct_store::{Database, OpenError};
use bytes::Bytes;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// A database in a directory of its own.
struct Opened {
    database: Database,
    _dir: TempDir,
}

impl Deref for Opened {
    type Target = dyn Store;
    fn deref(&self) -> &Self::Target {
        &self.database
    }
}

async fn open() -> Opened {
    let dir = TempDir::new().unwrap();
    let database = Database::sqlite(dir.path()).await.unwrap();
    Opened {
        database,
        _dir: dir,
    }
}

store_conformance!(open);

async fn raw(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file);
    options.create_if_missing(true).connect().await.unwrap()
}

async fn failure(dir: &Path) -> OpenError {
    let opened = Database::sqlite(dir).await;
    opened.err().unwrap()
}

#[tokio::test]
async fn a_data_directory_has_one_coordinator() {
    let dir = TempDir::new().unwrap();
    let first = Database::sqlite(dir.path()).await.unwrap();
    first.alive(Timestamp(5)).await.unwrap();
    assert!(matches!(failure(dir.path()).await, OpenError::InUse(_)));
    first.close().await;
    let second = Database::sqlite(dir.path()).await.unwrap();
    assert_eq!(second.alive(Timestamp(6)).await, Ok(Some(Timestamp(5))));
}

#[tokio::test]
async fn other_peoples_files_are_left_alone() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("aqueduct.db");
    let texts: [&[u8]; 3] = [b"hello", b"SQLite format 3\0", &[0; 200]];
    for text in texts {
        std::fs::write(&file, text).unwrap();
        assert!(matches!(failure(dir.path()).await, OpenError::NotOurs(_)));
        assert_eq!(std::fs::read(&file).unwrap(), text);
    }
    std::fs::remove_file(&file).unwrap();
    let mut foreign = raw(&file).await;
    let made = sqlx::query("CREATE TABLE projects (id INTEGER)");
    made.execute(&mut foreign).await.unwrap();
    foreign.close().await.unwrap();
    let error = failure(dir.path()).await;
    assert!(matches!(error, OpenError::NotOurs(_)), "{error}");
}

#[tokio::test]
async fn a_later_programs_database_is_refused() {
    let dir = TempDir::new().unwrap();
    let database = Database::sqlite(dir.path()).await.unwrap();
    database.close().await;
    let mut connection = raw(&dir.path().join("aqueduct.db")).await;
    let later = sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 0)",
    );
    later.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    assert!(matches!(failure(dir.path()).await, OpenError::Newer(9999)));
}

#[tokio::test]
async fn a_file_that_was_only_just_made_is_ours() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("aqueduct.db"), b"").unwrap();
    let database = Database::sqlite(dir.path()).await.unwrap();
    database.set_meta("key", "value").await.unwrap();
}

/// A file system of two megabytes.
struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]);
        let status = mount.arg(dir.path()).status().unwrap();
        assert!(status.success(), "mounting a small file system needs root");
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut umount = Command::new("umount");
        let _ = umount.arg("--lazy").arg(self.dir.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_loses_nothing() {
    let disk = SmallDisk::new();
    let store = Database::sqlite(&disk.path()).await.unwrap();
    let of = GlobalAttempt {
        job: GlobalJobId(1),
        attempt: 1,
    };
    let chunk = Bytes::from(vec![b'x'; 50_000]);
    let mut stored = 0;
    let error = loop {
        let append = store.append_trace(of, stored, chunk.clone(), u64::MAX, Timestamp(1));
        match append.await {
            Ok(appended) => stored = appended.head.received,
            Err(error) => break error,
        }
        assert!(stored < 4_000_000, "the disk is larger than it should be");
    };
    assert!(matches!(&error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("full"), "{error}");
    // What was answered is there, readable, and again after a restart with space.
    assert_eq!(store.trace_head(of).await.unwrap().received, stored);
    store.close().await;
    let grown = Command::new("mount")
        .args(["-o", "remount,size=8m"])
        .arg(disk.dir.path())
        .status();
    assert!(grown.unwrap().success());
    let store = Database::sqlite(&disk.path()).await.unwrap();
    assert_eq!(store.trace_head(of).await.unwrap().received, stored);
    let append = store.append_trace(of, stored, chunk, u64::MAX, Timestamp(2));
    assert_eq!(append.await.unwrap().head.received, stored + 50_000);
}
