//! Bringing a database's tables up to date. A migration that was released never changes: it is followed by another.

use sqlx::{
    SqlSafeStr,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

use super::{OpenError, failure};

/// Number, what it does, its text.
pub(super) type Step = (i64, &'static str, &'static str);

/// SQLite's.
pub(super) const SQLITE: &[Step] = &[
    (
        1,
        "begin",
        include_str!("../migrations/sqlite/0001_begin.sql"),
    ),
    (
        2,
        "environments",
        include_str!("../migrations/sqlite/0002_environments.sql"),
    ),
    (
        3,
        "sessions",
        include_str!("../migrations/sqlite/0003_sessions.sql"),
    ),
    (
        4,
        "active by ref",
        include_str!("../migrations/sqlite/0004_active_by_ref.sql"),
    ),
];

/// PostgreSQL's.
pub(super) const POSTGRES: &[Step] = &[
    (
        1,
        "begin",
        include_str!("../migrations/postgres/0001_begin.sql"),
    ),
    (
        2,
        "environments",
        include_str!("../migrations/postgres/0002_environments.sql"),
    ),
    (
        3,
        "sessions",
        include_str!("../migrations/postgres/0003_sessions.sql"),
    ),
    (
        4,
        "active by ref",
        include_str!("../migrations/postgres/0004_active_by_ref.sql"),
    ),
];

/// Runs those that were not run yet, each in a transaction of its own.
pub(super) async fn run(steps: &[Step], connection: &mut impl Migrate) -> Result<(), OpenError> {
    let migration = |(version, name, sql): &Step| {
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    let migrations = steps.iter().map(migration).collect();
    let migrator = Migrator::with_migrations(migrations);
    let done = migrator.run_direct(None, connection, false).await;
    done.map_err(|error| match error {
        MigrateError::VersionMissing(version) => OpenError::Newer(version),
        MigrateError::VersionMismatch(version) => OpenError::Changed(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            OpenError::Database(failure(error))
        }
        other => OpenError::Migration(other.to_string()),
    })
}
