//! The lease loop: as many jobs at a time as there are slots.

use std::{sync::Arc, time::Duration};

use aqueduct_ports::{
    executor::ExecError,
    work::{Assignment, ExecutorOffer, Offer, WorkError, WorkSource},
};
use tokio::task::JoinSet;

use crate::{
    attempt::Attempt,
    config::{ExecutorSlot, RunnerConfig, Shutdown},
    seats::{Seat, Seats},
};

/// First pause after a failed lease; doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between tries.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Leases jobs and works them off until the source has no more or `shutdown` says so; returns when the last job is
/// done. A job that goes wrong, by panic even, touches no other.
///
/// # Errors
/// If an executor can't tell what it can run: nothing was leased then.
pub async fn run(
    config: RunnerConfig,
    source: Arc<dyn WorkSource>,
    shutdown: Shutdown,
) -> Result<(), ExecError> {
    let mut names = Vec::new();
    for slot in &config.executors {
        names.push(slot.executor.capabilities().await?.executor);
    }
    let pool = Pool {
        names,
        seats: Seats::new(config.slots),
        config: Arc::new(config),
        source,
        shutdown,
    };
    let mut attempts = JoinSet::new();
    while let Some((seat, assignment)) = pool.next().await {
        attempts.spawn(pool.attempt(assignment).run(seat));
        while attempts.try_join_next().is_some() {}
    }
    while attempts.join_next().await.is_some() {}
    Ok(())
}

struct Pool {
    config: Arc<RunnerConfig>,
    /// The executors' names, in their order.
    names: Vec<String>,
    source: Arc<dyn WorkSource>,
    shutdown: Shutdown,
    seats: Seats,
}

impl Pool {
    /// The next job, once there is a slot for it; `None` at the end.
    async fn next(&self) -> Option<(Seat, Assignment)> {
        tokio::select! {
            biased;
            () = self.shutdown.drain.cancelled() => None,
            () = self.shutdown.interrupt.cancelled() => None,
            () = self.shutdown.kill.cancelled() => None,
            next = self.lease() => next,
        }
    }

    async fn lease(&self) -> Option<(Seat, Assignment)> {
        let seat = self.seats.take().await;
        let mut pause = MIN_PAUSE;
        loop {
            let leased = match self.offer().await {
                Ok(offer) => self.source.lease(&offer).await,
                Err(error) => Err(WorkError::Unavailable(error.to_string())),
            };
            match leased {
                Ok(Some(assignment)) => return Some((seat, assignment)),
                Ok(None) => return None,
                Err(error) => tracing::warn!(%error, "can't lease"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn offer(&self) -> Result<Offer, ExecError> {
        let mut executors = Vec::new();
        for slot in &self.config.executors {
            let can = slot.executor.capabilities().await?;
            executors.push(ExecutorOffer {
                name: can.executor,
                archs: can.platforms.iter().map(|platform| platform.arch).collect(),
                with_image: slot.with_image,
                without_image: slot.without_image,
                keywords: Vec::new(),
            });
        }
        if self.config.release.is_some() {
            executors.push(ExecutorOffer::release());
        }
        Ok(Offer {
            runner: self.config.name.clone(),
            executors,
            tags: self.config.tags.clone(),
            run_untagged: self.config.run_untagged,
        })
    }

    fn attempt(&self, assignment: Assignment) -> Attempt {
        let named = self
            .names
            .iter()
            .position(|name| *name == assignment.executor);
        let slot: Option<&ExecutorSlot> = named.and_then(|at| self.config.executors.get(at));
        Attempt {
            config: self.config.clone(),
            source: self.source.clone(),
            slot: slot.cloned(),
            assignment,
            shutdown: self.shutdown.clone(),
        }
    }
}
