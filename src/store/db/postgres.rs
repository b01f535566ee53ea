//! PostgreSQL: a transaction a change, many at once; the server itself gathers what waits for its disk.

use std::time::Duration;

use aqueduct_ports::store::StoreError;
use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Backend, Database, Link, OpenError, Work, failure, failure::in_the_way, migrate};

/// Changes and reads at once.
const CONNECTIONS: u32 = 16;
/// Open from the start: to log in takes far longer than a change does.
const READY: u32 = 8;
/// A change that another transaction was in the way of is run so often.
const TRIES: u32 = 4;
/// For a connection, while the server is away or all are in use: a hiccup passes unnoticed, and no client has given up yet.
const WAIT: Duration = Duration::from_secs(4);
/// A connection that lay for so long is tried before it is used: the server may have gone away meanwhile.
const STALE: Duration = Duration::from_secs(1);

impl Database {
    /// Connects to a PostgreSQL database, `postgres://user:password@host:port/name`, and brings its tables up to date. Each
    /// commit is as durable as the server's `synchronous_commit` says; `on`, its default, is what the coordinator's promises need.
    pub async fn postgres(url: &str) -> Result<Self, OpenError> {
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(OpenError::BadUrl);
        }
        // The URL may hold a password: no error repeats it.
        let options: PgConnectOptions = url.parse().map_err(|_| OpenError::BadUrl)?;
        let options = options
            .application_name("aqueduct")
            .statement_cache_capacity(300);
        // Not through the pool, which would wait for a server that isn't there and hide the reason.
        let connected = options.connect().await;
        let mut connection = connected.map_err(|error| OpenError::Database(failure(error)))?;
        migrate::run(migrate::POSTGRES, &mut connection).await?;
        // It goes whether the server says goodbye or not.
        let _ = connection.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(READY)
            .acquire_timeout(WAIT)
            // Each is tested when it comes back; only what then lay for a while is tested again.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= STALE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        let backend = Backend::Postgres(pool);
        Ok(Self { backend })
    }
}

/// In a task of its own, so that the change is whole also if the caller goes away.
pub(super) async fn write<T: Send + 'static>(
    pool: &PgPool,
    work: Work<T>,
) -> Result<T, StoreError> {
    let pool = pool.clone();
    let task = tokio::spawn(async move { transact(&pool, work).await });
    let stopped = |_| Err(StoreError::Unavailable("it is being closed".to_owned()));
    task.await.unwrap_or_else(stopped)
}

async fn transact<T>(pool: &PgPool, work: Work<T>) -> Result<T, StoreError> {
    let mut tries = 0;
    loop {
        let (outcome, is_deadlock) = try_once(pool, &work).await;
        tries += 1;
        if !is_deadlock || tries == TRIES {
            return outcome;
        }
    }
}

/// Once; and whether it failed only because another transaction was in the way, so that it may be run again.
async fn try_once<T>(pool: &PgPool, work: &Work<T>) -> (Result<T, StoreError>, bool) {
    let mut transaction = match pool.begin().await {
        Ok(transaction) => transaction,
        Err(error) => return (Err(failure(error)), false),
    };
    let outcome = work(&mut Link::postgres(&mut transaction)).await;
    match outcome {
        Ok(answer) => match transaction.commit().await {
            Ok(()) => (Ok(answer), false),
            Err(error) => (Err(failure(error)), false),
        },
        Err(error) => {
            let is_deadlock = error == in_the_way();
            // A connection that is gone rolls back by itself.
            let _ = transaction.rollback().await;
            (Err(error), is_deadlock)
        }
    }
}
