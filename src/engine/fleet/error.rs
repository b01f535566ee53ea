//! Why the fleet didn't do what it was asked to.

use aqueduct_core::{id::PipelineId, run::Status};
use aqueduct_ports::store::StoreError;

/// Why the fleet didn't do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// There is no such pipeline, or it has no jobs.
    #[error("there is no pipeline {0}")]
    NoPipeline(PipelineId),
    /// There is no such job.
    #[error("there is no such job")]
    NoJob,
    /// The job or pipeline is in no state in which that means anything.
    #[error("it is {0}: nothing to do")]
    WrongState(Status),
    /// What is stored of a pipeline can't be read.
    #[error("what is stored of pipeline {pipeline} can't be read: {cause}")]
    Corrupt {
        /// Which.
        pipeline: PipelineId,
        /// What is wrong with it.
        cause: String,
    },
    /// The store failed. Trying again may help.
    #[error(transparent)]
    Store(#[from] StoreError),
}
