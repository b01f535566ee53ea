//! The variables of a job at the moment it is leased.

use aqueduct_core::{
    id::{AttemptKey, JobId},
    lang::variables::{Known, LeaseError, LeasedVariable, at_lease},
    plan::PlanJob,
    time::Timestamp,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::work::JobVariable;

use crate::{Secrets, pipeline::Pipeline};

/// What a lease adds to the variables of the plan.
pub(crate) struct LeaseContext<'a> {
    /// The attempt that is about to begin.
    pub(crate) key: AttemptKey,
    /// When.
    pub(crate) now: Timestamp,
    /// The run's own.
    pub(crate) persisted: &'a [(String, String)],
    /// Values of secrets.
    pub(crate) secrets: &'a Secrets,
}

/// The final variables of the job at a position, one entry a name; the verdict `secret.missing` if one has no value.
pub(crate) fn job_variables(
    pipeline: &Pipeline,
    at: usize,
    context: &LeaseContext<'_>,
) -> Result<Vec<JobVariable>, Verdict> {
    let job = &pipeline.plan().jobs[at];
    let mut persisted = own(pipeline, job, context);
    persisted.extend(context.persisted.iter().cloned());
    let dotenv: Vec<(String, String)> = pipeline.dotenv(at).cloned().collect();
    let known = Known {
        persisted: &persisted,
        dotenv: &dotenv,
        secrets: Some(context.secrets.all()),
    };
    let planned = pipeline.plan().variables_of(job);
    let leased = at_lease(planned, known).map_err(|error| verdict(&error))?;
    let mut variables: Vec<JobVariable> = leased.into_iter().map(job_variable).collect();
    mask_token(&mut variables);
    Ok(variables)
}

/// The job's token is a secret although it stands in no plan.
fn mask_token(variables: &mut [JobVariable]) {
    if let Some(token) = variables.iter_mut().find(|known| known.key == JOB_TOKEN) {
        token.masked = true;
    }
}

fn job_variable(leased: LeasedVariable) -> JobVariable {
    JobVariable {
        key: leased.key,
        value: leased.value,
        file: leased.file,
        masked: leased.masked,
        raw: leased.raw,
    }
}

fn verdict(error: &LeaseError) -> Verdict {
    let kind = match error {
        LeaseError::MissingSecrets(_) => VerdictKind::SecretMissing,
        LeaseError::Expansion(_) => VerdictKind::ConfigInvalid,
    };
    Verdict::new(kind, error.to_string())
}

const JOB_TOKEN: &str = "CI_JOB_TOKEN";

/// Variables that exist only once a job has an id and a time.
fn own(pipeline: &Pipeline, job: &PlanJob, context: &LeaseContext<'_>) -> Vec<(String, String)> {
    let AttemptKey {
        pipeline: id,
        job: JobId(job_id),
        attempt,
    } = context.key;
    let started = context.now.rfc3339();
    let project = |what: &str, id: u64| format!("$CI_PROJECT_URL/-/{what}/{id}");
    [
        ("CI_JOB_ID", job_id.to_string()),
        ("CI_PIPELINE_ID", id.to_string()),
        ("CI_PIPELINE_IID", id.to_string()),
        ("CI_PIPELINE_CREATED_AT", pipeline.state().begun.rfc3339()),
        ("CI_JOB_TIMEOUT", (job.timeout.0 / 1000).to_string()),
        ("CI_JOB_STARTED_AT_SLUG", slug(&started)),
        ("CI_JOB_STARTED_AT", started),
        ("CI_JOB_URL", project("jobs", job_id)),
        ("CI_PIPELINE_URL", project("pipelines", id.0)),
        ("CI_REPOSITORY_URL", "$CI_PROJECT_URL.git".to_owned()),
        // The only project that this process knows of.
        ("CI_PROJECT_ID", "1".to_owned()),
        // There is no server that would take it; scripts that only pass it on must not fail for want of it.
        (JOB_TOKEN, format!("aqueduct-local-{id}-{job_id}-{attempt}")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// As GitLab makes it: `2026-11-24t08-30-00z`.
fn slug(time: &str) -> String {
    time.to_ascii_lowercase().replace(':', "-")
}
