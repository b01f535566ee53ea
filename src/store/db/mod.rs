//! The databases: one face for both, so that each statement and each aggregate is written once.

mod args;
mod cells;
mod failure;
mod link;
mod migrate;
mod open;
mod postgres;
mod sqlite;
mod writer;

use aqueduct_ports::store::StoreError;
use sqlx::{PgPool, Postgres, Sqlite, Transaction, pool::PoolConnection};

pub(crate) use args::{Arg, args};
pub(crate) use cells::{Cells, Row};
pub(crate) use failure::{failure, name_taken};
pub(crate) use link::{Link, Work, work};
pub use open::OpenError;

/// The coordinator's database.
pub struct Database {
    backend: Backend,
}

enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(PgPool),
}

/// A connection for one statement that reads.
pub(crate) enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection for several statements that read as of one moment.
pub(crate) enum Snapshot {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Reader {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(connection) => Link::sqlite(connection),
            Self::Postgres(connection) => Link::postgres(connection),
        }
    }
}

impl Snapshot {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(transaction) => Link::sqlite(transaction),
            Self::Postgres(transaction) => Link::postgres(transaction),
        }
    }
}

impl Database {
    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.readers.acquire().await.map(Reader::Sqlite),
            Backend::Postgres(pool) => pool.acquire().await.map(Reader::Postgres),
        }
        .map_err(failure)
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.readers.begin().await.map(Snapshot::Sqlite),
            Backend::Postgres(pool) => pool
                .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await
                .map(Snapshot::Postgres),
        }
        .map_err(failure)
    }

    /// Carries a change out in a transaction and answers once it is on disk. It goes on if the caller goes away.
    pub(crate) async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.writer.write(work).await,
            Backend::Postgres(pool) => postgres::write(pool, work).await,
        }
    }

    /// The first row of one statement.
    pub(crate) async fn one(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        self.reader().await?.link().one(sql, args).await
    }

    /// All rows of one statement.
    pub(crate) async fn all(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.reader().await?.link().all(sql, args).await
    }

    /// As [`Self::all`], for a text that was put together from parts of ours.
    pub(crate) async fn all_built(
        &self,
        sql: String,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.reader().await?.link().all_built(sql, args).await
    }

    /// Waits for what is being written and closes every connection. Without it, nothing that was answered is lost either.
    pub async fn close(self) {
        match self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(pool) => pool.close().await,
        }
    }
}
