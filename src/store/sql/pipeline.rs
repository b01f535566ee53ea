macro_rules! columns {
    () => {
        "id, project, iid, version, cause, git_ref, sha, before_sha, source, name, plan_hash, diagnostics, first_job, jobs, \
         status, active, state, started, finished, created, updated"
    };
}

pub(crate) const BY_CAUSE: &str =
    "SELECT id, iid, first_job FROM pipelines WHERE project = $1 AND cause = $2";
/// Gives away a block of job ids; answers its last.
pub(crate) const TAKE_JOB_IDS: &str =
    "UPDATE counters SET value = value + $1 WHERE name = 'job' RETURNING value";
pub(crate) const INSERT: &str = "INSERT INTO pipelines
    (project, iid, version, cause, git_ref, sha, before_sha, source, name, plan_hash, diagnostics, first_job, jobs,
     status, active, state, started, finished, created, updated)
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18) RETURNING id";
pub(crate) const INSERT_PLAN: &str = "INSERT INTO plans (pipeline, plan) VALUES ($1, $2)";
pub(crate) const PLAN: &str = "SELECT plan FROM plans WHERE pipeline = $1";
pub(crate) const BY_ID: &str = concat!("SELECT ", columns!(), " FROM pipelines WHERE id = $1");
/// Compares the version first; whoever comes second waits for the first and then finds another version.
pub(crate) const UPDATE: &str = "UPDATE pipelines
    SET version = version + 1, status = $3, active = $4, state = $5, started = $6, finished = $7, updated = $8
    WHERE id = $1 AND version = $2 RETURNING project, first_job, jobs";
pub(crate) const ACTIVE: &str = "SELECT id FROM pipelines WHERE active ORDER BY id";
pub(crate) const ACTIVE_OF: &str =
    "SELECT id FROM pipelines WHERE project = $1 AND git_ref = $2 AND active ORDER BY id";
/// To be followed by conditions.
pub(crate) const LIST: &str = concat!("SELECT ", columns!(), " FROM pipelines");
