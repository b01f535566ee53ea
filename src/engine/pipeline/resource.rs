//! Resource groups: one job of a group at a time, the others in the order they asked.

use std::collections::{BTreeMap, VecDeque};

use aqueduct_core::id::JobId;
use serde::{Deserialize, Serialize};

/// Who has which resource group, and who waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    groups: BTreeMap<String, Group>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    holder: Option<JobId>,
    queue: VecDeque<JobId>,
}

impl Resources {
    /// The job that has the group.
    pub fn holder(&self, group: &str) -> Option<JobId> {
        self.groups.get(group)?.holder
    }

    /// Puts a job at the end of the group's queue; a second request of the same job has no effect.
    pub fn request(&mut self, group: &str, job: JobId) {
        let group = self.groups.entry(group.to_owned()).or_default();
        if group.holder != Some(job) && !group.queue.contains(&job) {
            group.queue.push_back(job);
        }
    }

    /// Takes a job out, whether it has the group or waits for it.
    pub fn release(&mut self, group: &str, job: JobId) {
        if let Some(group) = self.groups.get_mut(group) {
            group.queue.retain(|waiting| *waiting != job);
            group.holder = group.holder.filter(|holder| *holder != job);
        }
    }

    /// Gives one free group to the first who waits for it and names that job.
    pub fn grant(&mut self) -> Option<JobId> {
        let group = self
            .groups
            .values_mut()
            .find(|group| group.holder.is_none() && !group.queue.is_empty())?;
        group.holder = group.queue.pop_front();
        group.holder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_goes_to_one_job_after_the_other() {
        let mut resources = Resources::default();
        for job in [1, 2, 1, 3] {
            resources.request("db", JobId(job));
        }
        assert_eq!(resources.grant(), Some(JobId(1)));
        assert_eq!(resources.grant(), None);
        resources.release("db", JobId(2));
        resources.release("db", JobId(1));
        assert_eq!(resources.grant(), Some(JobId(3)));
        assert_eq!(resources.holder("db"), Some(JobId(3)));
        assert_eq!(resources.holder("other"), None);
    }
}
