//! Waking a reconciler.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use aqueduct_core::id::ProjectId;
use tokio::sync::Notify;

/// Says that there may be something to do. Many wakes before somebody waits are one.
#[derive(Debug, Default)]
pub struct Wake(Notify);

impl Wake {
    /// Wakes whoever waits, or lets the next wait end at once.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for a wake.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Says which projects may have changed: a webhook came, a person asks, one was added.
#[derive(Debug, Default)]
pub struct Hints {
    projects: Mutex<BTreeSet<ProjectId>>,
    wake: Wake,
}

impl Hints {
    /// Asks for a look at the project's repository as soon as possible.
    pub fn hint(&self, project: ProjectId) {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        projects.insert(project);
        self.wake.wake();
    }

    /// The projects that were named since the last call.
    pub(super) fn take(&self) -> BTreeSet<ProjectId> {
        std::mem::take(&mut *self.projects.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn woken(&self) {
        self.wake.woken().await;
    }
}
