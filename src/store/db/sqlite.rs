//! SQLite: a file in the data directory, one connection that writes, others beside it that read.
//!
//! `synchronous=FULL`: the write-ahead log is on stable storage before a commit returns, so that what was answered to a runner or
//! a forge is there after a power cut too. `NORMAL` would keep the file whole but forget the last answers, and a runner never
//! repeats a report that was taken. What that costs is shared by the changes that wait for the same `fsync` (see [`writer`]).
//!
//! [`writer`]: super::writer

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Backend, Database, OpenError, failure, migrate, writer::Writer};

/// "AQDT" in SQLite's file header: tells our files from other programs'.
const APPLICATION_ID: u32 = 0x4151_4454;
/// Where a SQLite file keeps its application id, four bytes, the greatest first.
const APPLICATION_ID_AT: usize = 68;
const MAGIC: &[u8] = b"SQLite format 3\0";
const FILE: &str = "aqueduct.db";
const LOCK: &str = "aqueduct.lock";
/// Pages and API calls that read at once. Each is a thread that mostly sleeps.
const READERS: u32 = 4;
/// Only a backup program can be in the way.
const PATIENCE: Duration = Duration::from_secs(5);

/// The file's connections.
pub(super) struct Sqlite {
    pub(super) readers: SqlitePool,
    pub(super) writer: Writer,
}

impl Sqlite {
    pub(super) async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Database {
    /// Opens the database of a data directory, which is made if it isn't there, and brings its tables up to date. One process
    /// at a time: [`OpenError::InUse`].
    pub async fn sqlite(dir: &Path) -> Result<Self, OpenError> {
        let lock = lock(dir)?;
        let file = dir.join(FILE);
        if !is_ours(&file)? {
            sign(&file).await?;
        }
        let options = options(&file);
        let connected = options.clone().connect().await;
        let mut connection = connected.map_err(|error| OpenError::Database(failure(error)))?;
        migrate::run(migrate::SQLITE, &mut connection).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // A file doesn't hang up.
            .test_before_acquire(false)
            .connect_with(options.read_only(true))
            .await
            .map_err(|error| OpenError::Database(failure(error)))?;
        let backend = Backend::Sqlite(Sqlite {
            readers,
            writer: Writer::start(connection, lock),
        });
        Ok(Self { backend })
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .statement_cache_capacity(300)
        .pragma("cache_size", "-16000")
        // A log that grew behind a slow reader is cut again.
        .pragma("journal_size_limit", "67108864")
}

/// A new file says whose it is before anything else is in it, and before its changes go to a log beside it.
async fn sign(file: &Path) -> Result<(), OpenError> {
    // Addresses with credentials and webhook secrets stand in it; the log beside it takes over the mode.
    let mut owner_only = OpenOptions::new();
    owner_only.create(true).append(true).mode(0o600);
    owner_only.open(file).map_err(|cause| at(file, cause))?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .pragma("application_id", APPLICATION_ID.to_string());
    let signed = async { options.connect().await?.close().await };
    signed
        .await
        .map_err(|error| OpenError::Database(failure(error)))
}

/// Held until the writer has ended; the kernel gives it up however the process ends.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let mut made = DirBuilder::new();
    let made = made.recursive(true).mode(0o700).create(dir);
    made.map_err(|cause| at(dir, cause))?;
    let path = dir.join(LOCK);
    let mut options = OpenOptions::new();
    let opened = options.create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|cause| at(&path, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_path_buf())),
        Err(TryLockError::Error(cause)) => Err(at(&path, cause)),
    }
}

fn at(path: &Path, cause: io::Error) -> OpenError {
    OpenError::Path {
        path: path.to_path_buf(),
        cause,
    }
}

/// Whether there is a file and it says that it is ours; an empty or missing one is still to be made.
fn is_ours(file: &Path) -> Result<bool, OpenError> {
    let opened = match File::open(file) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(|cause| at(file, cause))?,
    };
    let mut header = Vec::new();
    let read = opened.take(100).read_to_end(&mut header);
    read.map_err(|cause| at(file, cause))?;
    let id = header.get(APPLICATION_ID_AT..APPLICATION_ID_AT + 4);
    if header.is_empty() {
        Ok(false)
    } else if header.starts_with(MAGIC) && id == Some(&APPLICATION_ID.to_be_bytes()) {
        Ok(true)
    } else {
        Err(OpenError::NotOurs(file.to_path_buf()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sqlx::Row;

    use super::*;

    async fn pragma(connection: &mut sqlx::SqliteConnection, sql: &'static str) -> String {
        let row = sqlx::query(sql).fetch_one(connection).await.unwrap();
        let number: Result<i64, _> = row.try_get(0);
        number.map_or_else(|_| row.get(0), |number| number.to_string())
    }

    #[tokio::test]
    async fn the_log_is_flushed_at_every_commit() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        sign(&file).await.unwrap();
        let mut connection = options(&file).connect().await.unwrap();
        // 2 is FULL.
        let table = [
            ("PRAGMA synchronous", "2"),
            ("PRAGMA journal_mode", "wal"),
            ("PRAGMA foreign_keys", "1"),
        ];
        for (sql, expected) in table {
            assert_eq!(pragma(&mut connection, sql).await, expected, "{sql}");
        }
        assert!(is_ours(&file).unwrap());
        let write = sqlx::query("CREATE TABLE t (n)");
        write.execute(&mut connection).await.unwrap();
        for path in [file.clone(), file.with_extension("db-wal")] {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is open to others", path.display());
        }
    }
}
