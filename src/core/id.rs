//! Typed identifiers: a job id can't be passed where a pipeline id is expected.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! numeric_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

numeric_id!(
    /// A repository that the coordinator runs pipelines for.
    ProjectId
);
numeric_id!(
    /// One run of one commit's configuration.
    PipelineId
);
numeric_id!(
    /// One job of one pipeline; a retry is a new attempt of the same job.
    JobId
);
numeric_id!(
    /// A job among all jobs of a coordinator: what the Runner API calls `id`. A pipeline takes a block of consecutive ones
    /// when it is made, so that a job's is the block's first plus its position in the plan.
    GlobalJobId
);
numeric_id!(
    /// A registered runner: one authentication token.
    RunnerId
);
numeric_id!(
    /// One machine or process of a runner: a `system_id` under its token.
    ManagerId
);
numeric_id!(
    /// Something that came in from outside, stored before it was answered.
    EventId
);
numeric_id!(
    /// Something that has to be done outside, stored with the change that asks for it.
    EffectId
);
numeric_id!(
    /// A person's or a program's access token.
    AccessTokenId
);

impl GlobalJobId {
    /// The job at a position of the plan of a pipeline whose block begins with `self`.
    #[must_use]
    pub const fn at(self, position: u32) -> Self {
        Self(self.0.saturating_add(position as u64))
    }
}

/// One try of a job among all jobs of a coordinator: what traces and artifacts belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GlobalAttempt {
    /// The job.
    pub job: GlobalJobId,
    /// 1 for the first try.
    pub attempt: u32,
}

impl fmt::Display for GlobalAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.job, self.attempt)
    }
}

/// One try of a job: the unit that an executor starts and that a lease covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptKey {
    /// The pipeline the job belongs to.
    pub pipeline: PipelineId,
    /// The job.
    pub job: JobId,
    /// 1 for the first try.
    pub attempt: u32,
}

impl fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}-j{}-a{}", self.pipeline, self.job, self.attempt)
    }
}
