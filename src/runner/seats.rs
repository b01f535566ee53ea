//! The places of a runner: as many as jobs may run at a time.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All places of a runner.
pub(crate) struct Seats {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<BTreeSet<usize>>>,
}

/// A job's place, given back when dropped.
pub(crate) struct Seat {
    /// The smallest number that no running job has (`CI_CONCURRENT_ID`).
    pub(crate) number: usize,
    taken: Arc<Mutex<BTreeSet<usize>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Seats {
    /// `count` places, at least one.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count.max(1))),
            taken: Arc::default(),
        }
    }

    /// Waits for a free one.
    pub(crate) async fn take(&self) -> Seat {
        // An error would mean that the semaphore was closed, which nobody does.
        let permit = self.free.clone().acquire_owned().await.ok();
        let mut taken = lock(&self.taken);
        // One of these is free: they are one more than are taken.
        let number = (0..=taken.len())
            .find(|number| !taken.contains(number))
            .unwrap_or_default();
        taken.insert(number);
        Seat {
            number,
            taken: self.taken.clone(),
            _permit: permit,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.taken).remove(&self.number);
    }
}

fn lock(taken: &Mutex<BTreeSet<usize>>) -> MutexGuard<'_, BTreeSet<usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn numbers_are_the_smallest_free_ones() {
        let seats = Seats::new(2);
        let first = seats.take().await;
        let second = seats.take().await;
        assert_eq!((first.number, second.number), (0, 1));
        drop(first);
        assert_eq!(seats.take().await.number, 0);
        drop(second);
        assert_eq!(seats.take().await.number, 0);
    }
}
