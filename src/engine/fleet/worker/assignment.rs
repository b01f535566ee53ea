//! A claim as the runner loop takes it.

use aqueduct_core::{
    api::runner::Secret,
    id::{AttemptKey, GlobalAttempt, JobId},
    time::Millis,
};
use aqueduct_ports::work::{Assignment, Dependency, Lease, Sources};

use super::Claim;

/// Renewed every third of this: the answer is how a job hears of its cancel.
const RENEWAL: Millis = Millis::from_secs(6);
/// How long a store that is away is waited for; leases are extended by its absence, and who else would have the job?
const PATIENCE: Millis = Millis::from_secs(3600);

/// Jobs are known by their ids on the wire here, so that their artifacts are found without the plan.
pub(super) fn key(claim: &Claim, attempt: GlobalAttempt) -> AttemptKey {
    AttemptKey {
        pipeline: claim.pipeline.id,
        job: JobId(attempt.job.0),
        attempt: attempt.attempt,
    }
}

pub(super) fn assignment(lease: Lease, claim: Claim) -> Assignment {
    let needed = claim.dependencies.iter();
    let dependencies = needed
        .map(|(attempt, dependency)| Dependency {
            key: key(&claim, *attempt),
            ..dependency.clone()
        })
        .collect();
    Assignment {
        lease,
        executor: claim.executor,
        job: claim.job,
        project: Some(claim.project_path),
        variables: claim.variables,
        masks: [claim.report_token, claim.read_token]
            .map(Secret::new)
            .into(),
        dependencies,
        // Nobody here works on sources.
        sources: Sources::Snapshot,
        lease_time: RENEWAL,
        patience: PATIENCE,
    }
}
