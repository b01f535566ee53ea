//! A database that an earlier version made and filled is brought up to date, loses nothing, and ends with the tables of a new one.

use std::path::Path;

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, PipelineId, ProjectId, RunnerId},
    run::Status,
    time::Timestamp,
    token::TokenHash,
};
use aqueduct_ports::store::{Environment, EnvironmentState, Store, TracePlace};
use aqueduct_store::Database;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqlSafeStr,
    migrate::{Migrate, Migration, MigrationType, Migrator},
    postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;

const POPULATED: &str = include_str!("data/populated-0001.sql");
const SQLITE: &str = include_str!("../migrations/sqlite/0001_begin.sql");
const POSTGRES: &str = include_str!("../migrations/postgres/0001_begin.sql");

async fn migrate_to_first(sql: &'static str, connection: &mut impl Migrate) {
    let kind = MigrationType::Simple;
    let first = Migration::new(1, "begin".into(), kind, sql.into_sql_str(), false);
    let migrator = Migrator::with_migrations(vec![first]);
    migrator.run_direct(None, connection, false).await.unwrap();
}

/// Every row of the fixture through the store, then something of the newest table.
async fn check(store: &dyn Store) {
    let token = TokenHash::of("abc");
    let now = Timestamp(1_700_000_000_001);
    assert_eq!(
        store.meta("external_url").await.unwrap().unwrap(),
        "https://ci.example.com"
    );
    let project = store.project_by_path("group/old").await.unwrap().unwrap();
    assert_eq!((project.id, project.version), (ProjectId(1), 3));
    let loaded = store.load_pipeline(PipelineId(1)).await.unwrap().unwrap();
    assert_eq!((loaded.row.version, loaded.jobs.len()), (5, 2));
    assert_eq!(loaded.jobs[0].status, Status::Running);
    assert_eq!(store.active_pipelines().await.unwrap(), [PipelineId(1)]);
    let owner = store.job_by_token(&token).await.unwrap().unwrap();
    let attempt = GlobalAttempt {
        job: GlobalJobId(1),
        attempt: 1,
    };
    assert_eq!(owner.attempt, attempt);
    assert_eq!(store.due_effects(now, 9).await.unwrap().len(), 1);
    let waiting = store.next_deliveries(now, 9).await.unwrap();
    assert_eq!(&waiting[0].content.body[..], b"{}");
    assert_eq!(store.heads(project.id).await.unwrap().len(), 1);
    let part = store.read_trace(attempt, 0, 9).await.unwrap();
    assert_eq!(part.place, TracePlace::Here("abc".into()));
    assert_eq!(store.artifacts_of(attempt).await.unwrap().len(), 1);
    assert_eq!(store.garbage(now, 9).await.unwrap(), ["traces/0/1-1-b"]);
    let runner = store.runner_by_token(&token).await.unwrap().unwrap();
    assert_eq!(
        (runner.id, &runner.settings.tags[..]),
        (RunnerId(1), &["a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(store.managers(runner.id).await.unwrap().len(), 1);
    assert_eq!(store.registration_tokens().await.unwrap().len(), 1);
    assert_eq!(store.access_tokens().await.unwrap().len(), 1);
    let environment = Environment {
        project: project.id,
        name: "production".to_owned(),
        version: 0,
        slug: "production".to_owned(),
        tier: "production".to_owned(),
        state: EnvironmentState::Available,
        url: None,
        git_ref: "refs/heads/main".to_owned(),
        generation: None,
        deployed_by: None,
        on_stop: None,
        stops_at: None,
        updated: now,
    };
    assert_eq!(store.save_environment(&environment).await, Ok(1));
}

/// Everything that makes up a SQLite database's tables.
async fn sqlite_schema(dir: &Path) -> Vec<String> {
    let options = SqliteConnectOptions::new().filename(dir.join("aqueduct.db"));
    let mut connection = options.connect().await.unwrap();
    let rows = sqlx::query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name");
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_sqlite_database_of_the_first_version_is_brought_up_to_date() {
    let (old, new) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let options = SqliteConnectOptions::new()
        .filename(old.path().join("aqueduct.db"))
        .create_if_missing(true)
        .pragma("application_id", "1095844948");
    let mut connection = options.connect().await.unwrap();
    migrate_to_first(SQLITE, &mut connection).await;
    sqlx::raw_sql(POPULATED)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let database = Database::sqlite(old.path()).await.unwrap();
    check(&database).await;
    database.close().await;
    // Again: nothing is left to do.
    Database::sqlite(old.path()).await.unwrap().close().await;
    Database::sqlite(new.path()).await.unwrap().close().await;
    let (old, new) = (
        sqlite_schema(old.path()).await,
        sqlite_schema(new.path()).await,
    );
    assert_eq!(old, new);
}

/// Everything that makes up a PostgreSQL database's tables.
async fn postgres_schema(url: &str) -> Vec<String> {
    let options: PgConnectOptions = url.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let rows = sqlx::query(
        "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, collation_name)
         FROM information_schema.columns WHERE table_schema = 'public'
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    );
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_postgres_database_of_the_first_version_is_brought_up_to_date() {
    let server = crate::postgres::server();
    let (old, new) = (server.database().unwrap(), server.database().unwrap());
    let options: PgConnectOptions = old.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    migrate_to_first(POSTGRES, &mut connection).await;
    let populated = AssertSqlSafe(POPULATED.replace("x'", "'\\x"));
    sqlx::raw_sql(populated)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let database = Database::postgres(&old).await.unwrap();
    check(&database).await;
    Database::postgres(&old).await.unwrap().close().await;
    Database::postgres(&new).await.unwrap().close().await;
    assert_eq!(postgres_schema(&old).await, postgres_schema(&new).await);
}
