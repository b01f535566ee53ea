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
