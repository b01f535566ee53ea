//! Variables that only the coordinator knows.

use aqueduct_core::id::GlobalJobId;

use super::live::Live;

/// What takes the place of the values of a local run.
pub(super) fn server_variables(
    live: &Live,
    job: GlobalJobId,
    read_token: &str,
    repository_url: &str,
) -> Vec<(String, String)> {
    let row = &live.row;
    [
        ("CI_JOB_ID", job.to_string()),
        ("CI_PIPELINE_ID", row.id.to_string()),
        ("CI_PIPELINE_IID", row.iid.to_string()),
        ("CI_PIPELINE_CREATED_AT", row.created.rfc3339()),
        ("CI_PROJECT_ID", row.project.to_string()),
        ("CI_JOB_URL", format!("$CI_PROJECT_URL/-/jobs/{job}")),
        ("CI_JOB_TOKEN", read_token.to_owned()),
        ("CI_REPOSITORY_URL", repository_url.to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
