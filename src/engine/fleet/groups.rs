//! Resource groups of projects: one job of a group at a time, in whichever pipeline, the others in the order they asked.
//!
//! Who has a group and who waits for it is read off the jobs' states, so there is nothing to store and nothing to repair.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    run::Status,
    time::Timestamp,
};
use tokio::sync::Notify;

use super::{Fleet, FleetError, live::Live};

/// A job of a pipeline.
type Job = (PipelineId, usize);

/// The groups of all projects, as far as anybody has or wants them.
#[derive(Default)]
pub(super) struct Groups {
    known: Mutex<BTreeMap<(ProjectId, String), Group>>,
    wanted: Notify,
}

#[derive(Default)]
struct Group {
    holders: BTreeSet<Job>,
    waiting: BTreeSet<(Timestamp, Job)>,
}

impl Groups {
    /// Learns of a job's state.
    pub(super) fn update(&self, live: &Live, at: usize) {
        let Some(name) = &live.pipeline.rules().jobs[at].resource_group else {
            return;
        };
        let state = &live.pipeline.state().jobs[at];
        let job = (live.row.id, at);
        let key = (live.row.project, name.clone());
        let mut known = self.lock();
        let group = known.entry(key.clone()).or_default();
        group.holders.remove(&job);
        group.waiting.retain(|(_, waiting)| *waiting != job);
        match state.status {
            Status::WaitingForResource => {
                group.waiting.insert((state.since, job));
            }
            Status::Pending | Status::Preparing | Status::Running => {
                group.holders.insert(job);
            }
            _ => {}
        }
        if group.holders.is_empty() && group.waiting.is_empty() {
            known.remove(&key);
        } else if group.is_free() {
            self.wanted.notify_one();
        }
    }

    /// The first who waits, of each group that nobody has.
    fn due(&self) -> Vec<Job> {
        let known = self.lock();
        let free = known.values().filter(|group| group.is_free());
        free.filter_map(|group| group.waiting.first())
            .map(|(_, job)| *job)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(ProjectId, String), Group>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn is_free(&self) -> bool {
        self.holders.is_empty() && !self.waiting.is_empty()
    }
}

impl Fleet {
    /// Resolves when a group may be free that somebody waits for.
    pub async fn groups_wanted(&self) {
        self.shared.groups.wanted.notified().await;
    }

    /// Gives each free group to the first who waits for it; how many were given. One caller at a time: two could give one group to
    /// two jobs. Not to be called before [`Self::restart`], which learns who has what.
    ///
    /// # Errors
    /// The first one, after all were tried.
    pub async fn grant_groups(&self) -> Result<usize, FleetError> {
        let due = self.shared.groups.due();
        let mut first_error = None;
        let count = due.len();
        for (pipeline, at) in due {
            let granted = self.act(pipeline, move |live, now| {
                // Not waiting any more is not wrong: it was cancelled meanwhile.
                let _ = live.pipeline.resource_granted(at, now);
                Ok(())
            });
            if let Err(error) = granted.await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(count), Err)
    }
}
