//! States in words, with the names of their icons and colours.

use aqueduct_core::run::Status;

/// A state as it is shown: never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusView {
    /// Name of its icon and its colour.
    pub name: &'static str,
    /// In words.
    pub label: &'static str,
}

impl StatusView {
    /// Of a job or a pipeline.
    pub const fn new(status: Status) -> Self {
        let (name, label) = match status {
            Status::Created => ("created", "created"),
            Status::WaitingForResource => ("waiting", "waiting for resource"),
            Status::Manual => ("manual", "manual"),
            Status::Scheduled => ("scheduled", "scheduled"),
            Status::Pending => ("pending", "pending"),
            Status::Preparing => ("preparing", "preparing"),
            Status::Running => ("running", "running"),
            Status::Success => ("success", "passed"),
            Status::Failed => ("failed", "failed"),
            Status::Canceled => ("canceled", "canceled"),
            Status::Skipped => ("skipped", "skipped"),
        };
        Self { name, label }
    }

    /// Of a job whose failure may count as a warning only.
    pub const fn of_job(status: Status, allowed: bool) -> Self {
        if allowed && matches!(status, Status::Failed) {
            return Self {
                name: "warning",
                label: "failed, allowed to",
            };
        }
        Self::new(status)
    }
}

/// The state that stands for several: what needs attention first.
pub(crate) fn worst(states: impl Iterator<Item = Status>) -> Option<Status> {
    const ORDER: [Status; 11] = [
        Status::Failed,
        Status::Canceled,
        Status::Running,
        Status::Preparing,
        Status::Pending,
        Status::WaitingForResource,
        Status::Scheduled,
        Status::Manual,
        Status::Created,
        Status::Success,
        Status::Skipped,
    ];
    states.min_by_key(|status| ORDER.iter().position(|other| other == status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_words_and_a_rank() {
        for status in Status::ALL {
            assert!(!StatusView::new(status).label.is_empty());
            assert_eq!(worst([status].into_iter()), Some(status));
        }
        assert_eq!(StatusView::of_job(Status::Failed, true).name, "warning");
        assert_eq!(StatusView::of_job(Status::Success, true).name, "success");
        let mixed = [Status::Success, Status::Failed, Status::Running];
        assert_eq!(worst(mixed.into_iter()), Some(Status::Failed));
        assert_eq!(worst([].into_iter()), None);
    }
}
