//! Names of paths and headers (runner-protocol 1 to 5).

/// What every path of the API begins with.
pub const PREFIX: &str = "/api/v4";

/// Path, behind [`PREFIX`], of registration and, with DELETE, of its end.
pub const RUNNERS: &str = "/runners";
/// Path of a check of a runner's token.
pub const VERIFY: &str = "/runners/verify";
/// Path of the end of one process's registration.
pub const MANAGERS: &str = "/runners/managers";
/// Path of a change of a runner's token.
pub const RESET: &str = "/runners/reset_authentication_token";
/// Path of a request for a job.
pub const REQUEST: &str = "/jobs/request";

/// Path of a job's state.
pub fn job(id: u64) -> String {
    format!("/jobs/{id}")
}

/// Path of a job's trace.
pub fn trace(id: u64) -> String {
    format!("/jobs/{id}/trace")
}

/// Path of a job's artifacts.
pub fn artifacts(id: u64) -> String {
    format!("/jobs/{id}/artifacts")
}

/// Request header: the runner's token.
pub const RUNNER_TOKEN: &str = "runner-token";
/// Request header: the job's token.
pub const JOB_TOKEN: &str = "job-token";
/// Request header: a number of the request, 32 hexadecimal digits.
pub const REQUEST_ID: &str = "x-request-id";
/// Request header: the bytes of a piece of trace, in this protocol's own form (see [`super::range`]).
pub const CONTENT_RANGE: &str = "content-range";
/// Response header: how much of the trace is stored.
pub const RANGE: &str = "range";
/// Response header: the job's state on the server.
pub const JOB_STATUS: &str = "job-status";
/// Response header: seconds between two pieces of trace.
pub const TRACE_UPDATE_INTERVAL: &str = "x-gitlab-trace-update-interval";
/// Response header: the queue's cursor.
pub const LAST_UPDATE: &str = "x-gitlab-last-update";
/// Response header of an answer that was held back.
pub const BUILDS_POLLING: &str = "gitlab-ci-builds-polling";
/// User name beside a job token in a clone URL and in basic authentication.
pub const GIT_USER: &str = "gitlab-ci-token";

/// [`JOB_STATUS`] of a job that is to stop gracefully.
pub const CANCELING: &str = "canceling";
/// [`JOB_STATUS`] of a job that is to stop at once.
pub const CANCELED: &str = "canceled";
/// [`JOB_STATUS`] of a job that has ended without its runner.
pub const FAILED: &str = "failed";
