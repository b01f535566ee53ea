//! The composite status of several jobs, and what it means for the job behind them (pipeline-yaml section 10.1).

use super::Status;
use crate::plan::When;

/// How one job counts in a composite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// By its own status.
    As(Status),
    /// It failed or was cancelled, and was allowed to.
    Warning,
    /// An optional manual job that nobody played.
    Ignored,
}

impl Seen {
    /// How a job in `status` counts; `allowed` is whether its failure is tolerated.
    pub const fn of(status: Status, allowed: bool) -> Self {
        match status {
            Status::Failed | Status::Canceled if allowed => Self::Warning,
            Status::Manual if allowed => Self::Ignored,
            _ => Self::As(status),
        }
    }

    const fn bit(self) -> u16 {
        1 << match self {
            Self::As(status) => status as u16,
            Self::Warning => 11,
            Self::Ignored => 12,
        }
    }
}

/// Which kinds of [`Seen`] occur among several jobs: all that the composite depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenSet(u16);

impl SeenSet {
    /// Adds one job.
    pub const fn insert(&mut self, seen: Seen) {
        self.0 |= seen.bit();
    }

    /// Adds all of another set.
    pub const fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn any(self, statuses: &[Status]) -> bool {
        statuses
            .iter()
            .any(|&status| self.0 & Seen::As(status).bit() != 0)
    }

    /// Nothing but `statuses`, warnings and ignored jobs.
    fn only(self, statuses: &[Status]) -> bool {
        self.only_of(statuses, &[Seen::Warning, Seen::Ignored])
    }

    fn only_of(self, statuses: &[Status], others: &[Seen]) -> bool {
        let allowed = statuses.iter().map(|&status| Seen::As(status));
        let mask = allowed
            .chain(others.iter().copied())
            .fold(0, |mask, seen| mask | seen.bit());
        self.0 & !mask == 0
    }
}

impl FromIterator<Seen> for SeenSet {
    fn from_iter<I: IntoIterator<Item = Seen>>(iter: I) -> Self {
        let mut set = Self::default();
        iter.into_iter().for_each(|seen| set.insert(seen));
        set
    }
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graph {
    /// All jobs of earlier stages.
    Stages,
    /// The jobs of its `needs`.
    Needs,
}

/// Status of the jobs in `set` taken together.
pub fn composite(set: SeenSet, graph: Graph) -> Status {
    use Status::{
        Canceled, Created, Failed, Manual, Pending, Preparing, Running, Scheduled, Skipped,
        Success, WaitingForResource,
    };
    if set.is_empty() {
        return Success;
    }
    if graph == Graph::Needs {
        if set.any(&[Skipped]) || set.0 & Seen::Ignored.bit() != 0 {
            return Skipped;
        }
        if !set.only_of(&[Success, Failed, Canceled, Skipped], &[Seen::Warning]) {
            return Pending;
        }
    }
    // The order of the lines is the algorithm: the first that fits decides.
    if set.only_of(&[Skipped], &[Seen::Ignored]) {
        Skipped
    } else if set.only(&[Success, Skipped]) {
        Success
    } else if set.only(&[Created]) {
        Created
    } else if set.only(&[Preparing]) {
        Preparing
    } else if set.only(&[Canceled, Success, Skipped]) {
        Canceled
    } else if set.only(&[Pending, Created, Skipped]) {
        Pending
    } else if set.any(&[Running, Pending]) {
        Running
    } else if set.any(&[WaitingForResource]) {
        WaitingForResource
    } else if set.any(&[Manual]) {
        Manual
    } else if set.any(&[Scheduled]) {
        Scheduled
    } else if set.any(&[Preparing]) {
        Preparing
    } else if set.any(&[Created]) {
        Running
    } else {
        Failed
    }
}

/// Whether a job with this `when` starts (`Some(true)`), is skipped (`Some(false)`) or waits on (`None`), now that what
/// it waits for has the composite status `before`.
pub const fn start(when: When, before: Status, graph: Graph) -> Option<bool> {
    if !before.is_terminal() {
        return None;
    }
    Some(match when {
        When::OnSuccess | When::Manual | When::Delayed => match before {
            Status::Success => true,
            Status::Skipped => matches!(graph, Graph::Stages),
            _ => false,
        },
        When::OnFailure => matches!(before, Status::Failed),
        When::Always => !matches!(before, Status::Canceled),
    })
}
