//! One connection of either database, and the three ways to run a statement on it.

use aqueduct_ports::store::StoreError;
use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr, SqlStr, SqliteConnection};

use super::{Arg, Row, args, failure};

/// A connection that a statement runs on: of one dialect or the other, the statement's text is the same.
pub(crate) enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// What a transaction does. It may be run in one transaction with others, one after the other, each with its own outcome.
pub(crate) type Work<T> =
    Box<dyn for<'l, 'c> FnOnce(&'l mut Link<'c>) -> BoxFuture<'l, Result<T, StoreError>> + Send>;

/// A [`Work`] that is one expression over the link.
macro_rules! work {
    ($link:ident => $work:expr) => {
        Box::new(move |$link| Box::pin(async move { $work }))
    };
}
pub(crate) use work;

impl Link<'_> {
    /// Runs a statement; answers how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<u64, StoreError> {
        self.run(sql.into_sql_str(), args).await
    }

    /// As [`Self::execute`], for a text that was put together from parts of ours.
    pub(crate) async fn execute_built(
        &mut self,
        sql: String,
        args: &[Arg<'_>],
    ) -> Result<u64, StoreError> {
        self.run(AssertSqlSafe(sql).into_sql_str(), args).await
    }

    async fn run(&mut self, sql: SqlStr, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, args::sqlite(args)?);
                let done = query.execute(&mut **connection).await.map_err(failure)?;
                Ok(done.rows_affected())
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, args::postgres(args)?);
                let done = query.execute(&mut **connection).await.map_err(failure)?;
                Ok(done.rows_affected())
            }
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn one(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, args::sqlite(args)?);
                let row = query.fetch_optional(&mut **connection).await;
                Ok(row.map_err(failure)?.map(Row::Sqlite))
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, args::postgres(args)?);
                let row = query.fetch_optional(&mut **connection).await;
                Ok(row.map_err(failure)?.map(Row::Postgres))
            }
        }
    }

    /// All rows.
    pub(crate) async fn all(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.rows(sql.into_sql_str(), args).await
    }

    /// As [`Self::all`], for a text that was put together from parts of ours.
    pub(crate) async fn all_built(
        &mut self,
        sql: String,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.rows(AssertSqlSafe(sql).into_sql_str(), args).await
    }

    async fn rows(&mut self, sql: SqlStr, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, args::sqlite(args)?);
                let rows = query.fetch_all(&mut **connection).await.map_err(failure)?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, args::postgres(args)?);
                let rows = query.fetch_all(&mut **connection).await.map_err(failure)?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}
