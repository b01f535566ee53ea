macro_rules! columns {
    () => {
        "id, pipeline, project, position, name, stage, status, attempt, state, manager, report_token, read_token, updated"
    };
}

/// To be followed by rows of [`INSERT_COLUMNS`] values.
pub(crate) const INSERT: &str = "INSERT INTO jobs (id, pipeline, project, position, name, stage, status, state, updated) VALUES ";
pub(crate) const INSERT_COLUMNS: usize = 9;
pub(crate) const UPDATE: &str = "UPDATE jobs
    SET status = $2, attempt = $3, state = $4, manager = $5, report_token = $6, read_token = $7, updated = $8
    WHERE id = $1";
pub(crate) const UPDATE_COLUMNS: usize = 8;
/// The same for many at once: rows of [`UPDATE_COLUMNS`] values in that order come between the two. Both databases name the columns
/// of such rows alike.
pub(crate) const UPDATE_MANY: (&str, &str) = (
    "UPDATE jobs
    SET status = v.column2, attempt = v.column3, state = v.column4, manager = v.column5, report_token = v.column6,
        read_token = v.column7, updated = v.column8
    FROM (VALUES ",
    ") AS v WHERE jobs.id = v.column1",
);
pub(crate) const BY_ID: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1");
pub(crate) const RANGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE id >= $1 AND id < $2 ORDER BY id"
);
pub(crate) const RANGE_OF: &str = "SELECT first_job, jobs FROM pipelines WHERE id = $1";
/// The condition on `status` is that of the indexes.
pub(crate) const BY_REPORT_TOKEN: &str = "SELECT id, attempt, pipeline, project FROM jobs
    WHERE report_token = $1 AND status IN ('preparing', 'running')";
pub(crate) const BY_READ_TOKEN: &str = "SELECT id, attempt, pipeline, project FROM jobs
    WHERE read_token = $1 AND status IN ('preparing', 'running')";
/// To be followed by conditions.
pub(crate) const LIST: &str = concat!("SELECT ", columns!(), " FROM jobs");
