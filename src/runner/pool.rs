//! The lease loop: as many jobs at a time as there are slots.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aqueduct_ports::{
    executor::ExecError,
    work::{Assignment, ExecutorOffer, Offer, WorkError, WorkSource},
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    attempt::Attempt,
    config::{ExecutorSlot, RunnerConfig, Shutdown},
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
        slots: Arc::new(Semaphore::new(config.slots.max(1))),
        numbers: Arc::new(Numbers::default()),
        config: Arc::new(config),
        source,
        shutdown,
    };
    let mut attempts = JoinSet::new();
    while let Some((permit, assignment)) = pool.next().await {
        let attempt = pool.attempt(assignment);
        let numbers = pool.numbers.clone();
        attempts.spawn(async move {
            let number = attempt.concurrent;
            attempt.run().await;
            numbers.give_back(number);
            drop(permit);
        });
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
    slots: Arc<Semaphore>,
    numbers: Arc<Numbers>,
}

impl Pool {
    /// The next job, once there is a slot for it; `None` at the end.
    async fn next(&self) -> Option<(tokio::sync::OwnedSemaphorePermit, Assignment)> {
        tokio::select! {
            biased;
            () = self.shutdown.drain.cancelled() => None,
            () = self.shutdown.kill.cancelled() => None,
            next = self.lease() => next,
        }
    }

    async fn lease(&self) -> Option<(tokio::sync::OwnedSemaphorePermit, Assignment)> {
        // The semaphore is never closed.
        let permit = self.slots.clone().acquire_owned().await.ok()?;
        let mut pause = MIN_PAUSE;
        loop {
            let leased = match self.offer().await {
                Ok(offer) => self.source.lease(&offer).await,
                Err(error) => Err(WorkError::Unavailable(error.to_string())),
            };
            match leased {
                Ok(Some(assignment)) => return Some((permit, assignment)),
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
            concurrent: self.numbers.take(),
            kill: self.shutdown.kill.clone(),
        }
    }
}

/// The smallest number that no running job has (`CI_CONCURRENT_ID`).
#[derive(Default)]
struct Numbers(Mutex<BTreeSet<usize>>);

impl Numbers {
    fn take(&self) -> usize {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One of these is free: they are one more than are taken.
        let free = (0..=taken.len())
            .find(|number| !taken.contains(number))
            .unwrap_or_default();
        taken.insert(free);
        free
    }

    fn give_back(&self, number: usize) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
    }
}
