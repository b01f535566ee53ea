//! SQLite's one writer: many waiting changes share one transaction, and with it one `fsync`.
//!
//! A change is answered after the COMMIT that holds it. While the disk is busy with one, others gather; together they cost what
//! one would. Each has a savepoint of its own, so that one that fails takes nothing of the others with it.
//!
//! The writer is a task of its own: whoever waits for an answer may go away (a client hung up) without leaving a transaction half done.

use std::fs::File;

use aqueduct_ports::store::StoreError;
use futures_util::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{Link, Work};

/// So many changes share a transaction at most: none waits long for those behind it.
const MOST_AT_ONCE: usize = 256;

/// A change that waits for the writer.
trait Pending: Send {
    /// Carries it out, perhaps not for the first time.
    fn run<'l>(&'l mut self, link: &'l mut Link<'_>) -> BoxFuture<'l, Outcome>;

    /// Tells whoever waits: what it came to, or what became of the transaction.
    fn answer(self: Box<Self>, transaction: Result<(), StoreError>);
}

/// How a change went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Well.
    Done,
    /// It failed and has changed nothing.
    Refused,
    /// It failed, and what it has changed is to be taken back.
    HalfDone,
    /// The database failed. It may have rolled the transaction back by itself, and a further statement would stand alone.
    Lost,
}

struct Waiting<T> {
    work: Work<T>,
    answer: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> Pending for Waiting<T> {
    fn run<'l>(&'l mut self, link: &'l mut Link<'_>) -> BoxFuture<'l, Outcome> {
        Box::pin(async move {
            link.take_changed();
            let answer = (self.work)(link).await;
            let outcome = match (&answer, link.take_changed()) {
                (Ok(_), _) => Outcome::Done,
                (Err(StoreError::Unavailable(_)), _) => Outcome::Lost,
                (Err(_), false) => Outcome::Refused,
                (Err(_), true) => Outcome::HalfDone,
            };
            self.answer = Some(answer);
            outcome
        })
    }

    fn answer(self: Box<Self>, transaction: Result<(), StoreError>) {
        let not_run = || Err(StoreError::Unavailable("it was not reached".to_owned()));
        let answer = match (transaction, self.answer) {
            // What failed by itself keeps its reason.
            (_, Some(Err(error))) | (Err(error), _) => Err(error),
            (Ok(()), answer) => answer.unwrap_or_else(not_run),
        };
        // Nobody may wait for it any more.
        let _ = self.reply.send(answer);
    }
}

/// Hands changes to the writer's task.
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Pending>>,
    task: JoinHandle<()>,
}

impl Writer {
    /// Starts the task. Once nobody can hand it anything it writes what waits, closes the connection and then gives up the
    /// lock.
    pub(super) fn start(connection: SqliteConnection, lock: File) -> Self {
        let (queue, waiting) = mpsc::channel(4 * MOST_AT_ONCE);
        let task = tokio::spawn(async move {
            write(connection, waiting).await;
            drop(lock);
        });
        Self { queue, task }
    }

    pub(super) async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            work,
            answer: None,
            reply,
        };
        let stopped = || StoreError::Unavailable("it is being closed".to_owned());
        let handed_over = self.queue.send(Box::new(waiting)).await;
        handed_over.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Waits until the task has ended.
    pub(super) async fn close(self) {
        drop(self.queue);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the database's writer did not end in order");
        }
    }
}

async fn write(mut connection: SqliteConnection, mut waiting: mpsc::Receiver<Box<dyn Pending>>) {
    while let Some(first) = waiting.recv().await {
        let (done, transaction) = transact(&mut connection, first, &mut waiting).await;
        for pending in done {
            pending.answer(transaction.clone());
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database was not closed in order");
    }
}

/// One transaction: the first change, and all that wait behind it. The changes come back to be answered.
async fn transact(
    connection: &mut SqliteConnection,
    first: Box<dyn Pending>,
    waiting: &mut mpsc::Receiver<Box<dyn Pending>>,
) -> (Vec<Box<dyn Pending>>, Result<(), StoreError>) {
    let mut link = Link::sqlite(connection);
    let mut done = Vec::new();
    if let Err(error) = link.execute("BEGIN IMMEDIATE", &[]).await {
        return (vec![first], Err(error));
    }
    let mut next = Some(first);
    let mut last = Outcome::Done;
    while let Some(mut pending) = next.take() {
        last = pending.run(&mut link).await;
        done.push(pending);
        let goes_on = matches!(last, Outcome::Done | Outcome::Refused);
        if goes_on && done.len() < MOST_AT_ONCE {
            next = waiting.try_recv().ok();
        }
    }
    let mut outcome = match last {
        Outcome::Done | Outcome::Refused => Ok(()),
        Outcome::HalfDone => run_again(&mut link, &mut done).await,
        Outcome::Lost => Err(lost()),
    };
    if outcome.is_ok() {
        outcome = link.execute("COMMIT", &[]).await.map(drop);
    }
    if outcome.is_err() {
        // The database may have rolled back by itself, then this finds nothing to do.
        let _ = link.execute("ROLLBACK", &[]).await;
    }
    (done, outcome)
}

fn lost() -> StoreError {
    StoreError::Unavailable("it failed while others wrote".to_owned())
}

/// All changes in a new transaction, each in a savepoint. An error means that the whole transaction is lost: a full disk takes
/// the savepoints with it.
async fn run_again(
    link: &mut Link<'_>,
    changes: &mut [Box<dyn Pending>],
) -> Result<(), StoreError> {
    link.execute("ROLLBACK", &[]).await?;
    link.execute("BEGIN IMMEDIATE", &[]).await?;
    for pending in changes {
        link.execute("SAVEPOINT change", &[]).await?;
        match pending.run(link).await {
            Outcome::Done | Outcome::Refused => {}
            Outcome::HalfDone => {
                link.execute("ROLLBACK TO change", &[]).await?;
            }
            Outcome::Lost => return Err(lost()),
        }
        link.execute("RELEASE change", &[]).await?;
    }
    Ok(())
}
