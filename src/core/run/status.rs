//! The states of jobs and pipelines, under GitLab's names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// State of a job; of a pipeline, the composite of its jobs' states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for other jobs.
    Created,
    /// Waits until its resource group is free.
    WaitingForResource,
    /// Waits until somebody plays it.
    Manual,
    /// Waits for its time.
    Scheduled,
    /// Waits for a runner.
    Pending,
    /// A runner has it; the script has not started.
    Preparing,
    /// The script runs.
    Running,
    /// It went well.
    Success,
    /// It did not.
    Failed,
    /// Somebody stopped it.
    Canceled,
    /// What it waited for ended so that it doesn't run.
    Skipped,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Created,
        Self::WaitingForResource,
        Self::Manual,
        Self::Scheduled,
        Self::Pending,
        Self::Preparing,
        Self::Running,
        Self::Success,
        Self::Failed,
        Self::Canceled,
        Self::Skipped,
    ];

    /// GitLab's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::WaitingForResource => "waiting_for_resource",
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Pending => "pending",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }

    /// Whether it has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Success | Self::Failed | Self::Canceled | Self::Skipped
        )
    }

    /// Whether a runner has it.
    pub const fn is_leased(self) -> bool {
        matches!(self, Self::Preparing | Self::Running)
    }

    /// Whether it moves on without a person: neither ended, nor manual, nor behind something that is.
    pub const fn is_active(self) -> bool {
        matches!(
            self,
            Self::WaitingForResource
                | Self::Scheduled
                | Self::Pending
                | Self::Preparing
                | Self::Running
        )
    }

    /// Whether a job in this state has, or waits in the queue with, its resource group.
    pub const fn holds_resource(self) -> bool {
        matches!(
            self,
            Self::WaitingForResource | Self::Pending | Self::Preparing | Self::Running
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
