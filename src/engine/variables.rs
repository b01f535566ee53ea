//! The variables of a job at the moment it is leased.

use aqueduct_core::{
    id::{AttemptKey, JobId},
    plan::{PlanJob, PlanVariable, VariableOrigin},
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
    /// The run's own, lowest precedence first.
    pub(crate) extra: &'a [PlanVariable],
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
    let mut all = persisted(pipeline, job, context);
    all.extend(job.variables.iter().cloned());
    all.extend(context.extra.iter().cloned());
    all.extend(pipeline.dotenv(at).map(|(key, value)| PlanVariable {
        raw: true,
        ..variable(key, value.clone(), VariableOrigin::Dotenv)
    }));
    // Stable: of one origin, the later entry wins.
    all.sort_by_key(|variable| variable.origin);
    let mut last: Vec<PlanVariable> = Vec::with_capacity(all.len());
    for variable in all.into_iter().rev() {
        if !last.iter().any(|known| known.key == variable.key) {
            last.push(variable);
        }
    }
    last.into_iter()
        .rev()
        .map(|variable| final_variable(variable, context.secrets))
        .collect()
}

fn final_variable(variable: PlanVariable, secrets: &Secrets) -> Result<JobVariable, Verdict> {
    let value = if variable.secret && variable.value.is_empty() {
        let cause = || format!("the secret {} has no value", variable.key);
        secrets
            .get(&variable.key)
            .ok_or_else(|| Verdict::new(VerdictKind::SecretMissing, cause()))?
            .to_owned()
    } else {
        variable.value
    };
    Ok(JobVariable {
        key: variable.key,
        value,
        file: variable.file,
        masked: variable.secret,
        raw: variable.raw,
    })
}

/// Variables that exist only once a job has an id and a time.
fn persisted(pipeline: &Pipeline, job: &PlanJob, context: &LeaseContext<'_>) -> Vec<PlanVariable> {
    let AttemptKey {
        pipeline: id,
        job: JobId(job_id),
        attempt,
    } = context.key;
    let started = context.now.rfc3339();
    let plain = [
        ("CI_JOB_ID", job_id.to_string()),
        ("CI_PIPELINE_ID", id.to_string()),
        ("CI_PIPELINE_IID", id.to_string()),
        ("CI_PIPELINE_CREATED_AT", pipeline.state().begun.rfc3339()),
        ("CI_JOB_TIMEOUT", (job.timeout.0 / 1000).to_string()),
        ("CI_JOB_STARTED_AT_SLUG", slug(&started)),
        ("CI_JOB_STARTED_AT", started),
        ("CI_JOB_STATUS", "running".to_owned()),
        ("CI_JOB_URL", format!("$CI_PROJECT_URL/-/jobs/{job_id}")),
        (
            "CI_PIPELINE_URL",
            format!("$CI_PROJECT_URL/-/pipelines/{id}"),
        ),
    ];
    let token = PlanVariable {
        secret: true,
        raw: true,
        ..variable(
            "CI_JOB_TOKEN",
            format!("aqueduct-local-{id}-{job_id}-{attempt}"),
            VariableOrigin::Predefined,
        )
    };
    plain
        .into_iter()
        .map(|(key, value)| variable(key, value, VariableOrigin::Predefined))
        .chain([token])
        .collect()
}

fn variable(key: &str, value: String, origin: VariableOrigin) -> PlanVariable {
    PlanVariable {
        key: key.to_owned(),
        value,
        origin,
        raw: false,
        file: false,
        secret: false,
    }
}

/// As GitLab makes it: `2026-11-24T08-30-00Z` in lower case.
fn slug(time: &str) -> String {
    time.to_ascii_lowercase().replace(':', "-")
}
