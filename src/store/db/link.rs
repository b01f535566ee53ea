//! One connection of either database, and the three ways to run a statement on it.

use aqueduct_ports::store::StoreError;
use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr, SqlStr, SqliteConnection};

use super::{Arg, Row, args, failure};

/// A connection that a statement runs on: of one dialect or the other, the statement's text is the same.
pub(crate) struct Link<'c> {
    dialect: Dialect<'c>,
    /// Whether a statement changed something.
    changed: bool,
}

enum Dialect<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// What a transaction does. It may share a transaction with others, and is run again where that had to be rolled back: all it
/// does is on the link.
pub(crate) type Work<T> =
    Box<dyn for<'l, 'c> Fn(&'l mut Link<'c>) -> BoxFuture<'l, Result<T, StoreError>> + Send + Sync>;

/// A [`Work`] that is one expression over the link and, before the semicolon, values that aren't `Copy`.
macro_rules! work {
    ($($value:ident),+; $link:ident => $work:expr) => {
        Box::new(move |$link| {
            $(let $value = ::std::clone::Clone::clone(&$value);)+
            Box::pin(async move { $work })
        })
    };
    ($link:ident => $work:expr) => {
        Box::new(move |$link| Box::pin(async move { $work }))
    };
}
pub(crate) use work;

impl<'c> Link<'c> {
    pub(crate) const fn sqlite(connection: &'c mut SqliteConnection) -> Self {
        Self {
            dialect: Dialect::Sqlite(connection),
            changed: false,
        }
    }

    pub(crate) const fn postgres(connection: &'c mut PgConnection) -> Self {
        Self {
            dialect: Dialect::Postgres(connection),
            changed: false,
        }
    }

    /// Whether a statement changed something since this was asked last.
    pub(crate) const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

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
        let rows = match &mut self.dialect {
            Dialect::Sqlite(connection) => {
                let query = sqlx::query_with(sql, args::sqlite(args)?);
                let done = query.execute(&mut **connection).await.map_err(failure)?;
                done.rows_affected()
            }
            Dialect::Postgres(connection) => {
                let query = sqlx::query_with(sql, args::postgres(args)?);
                let done = query.execute(&mut **connection).await.map_err(failure)?;
                done.rows_affected()
            }
        };
        self.changed |= rows > 0;
        Ok(rows)
    }

    /// The first row, if there is one.
    pub(crate) async fn one(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        let row = match &mut self.dialect {
            Dialect::Sqlite(connection) => {
                let query = sqlx::query_with(sql, args::sqlite(args)?);
                let row = query.fetch_optional(&mut **connection).await;
                row.map_err(failure)?.map(Row::Sqlite)
            }
            Dialect::Postgres(connection) => {
                let query = sqlx::query_with(sql, args::postgres(args)?);
                let row = query.fetch_optional(&mut **connection).await;
                row.map_err(failure)?.map(Row::Postgres)
            }
        };
        // Of a change, `RETURNING` gives a row.
        self.changed |= row.is_some() && !sql.starts_with("SELECT");
        Ok(row)
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
        match &mut self.dialect {
            Dialect::Sqlite(connection) => {
                let query = sqlx::query_with(sql, args::sqlite(args)?);
                let rows = query.fetch_all(&mut **connection).await.map_err(failure)?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Dialect::Postgres(connection) => {
                let query = sqlx::query_with(sql, args::postgres(args)?);
                let rows = query.fetch_all(&mut **connection).await.map_err(failure)?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}
