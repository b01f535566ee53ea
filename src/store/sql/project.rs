macro_rules! columns {
    () => {
        "id, version, path, git_url, default_branch, interval_ms, settings, created"
    };
}

pub(crate) const INSERT: &str = concat!(
    "INSERT INTO projects (path, git_url, default_branch, interval_ms, settings, created)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING ",
    columns!()
);
pub(crate) const BY_ID: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM projects WHERE id = $1 AND deleted IS NULL"
);
pub(crate) const BY_PATH: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM projects WHERE path = $1 AND deleted IS NULL"
);
pub(crate) const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM projects WHERE deleted IS NULL ORDER BY path"
);
pub(crate) const UPDATE: &str = "UPDATE projects
    SET version = version + 1, path = $3, git_url = $4, default_branch = $5, interval_ms = $6, settings = $7
    WHERE id = $1 AND version = $2 AND deleted IS NULL RETURNING version";
/// Locks the row: who makes a pipeline of the project waits for its turn, also behind a deletion.
pub(crate) const LOCK: &str =
    "UPDATE projects SET version = version WHERE id = $1 AND deleted IS NULL";
pub(crate) const NEXT_IID: &str =
    "UPDATE projects SET last_iid = last_iid + 1 WHERE id = $1 RETURNING last_iid";
pub(crate) const HAS_ACTIVE: &str =
    "SELECT id FROM pipelines WHERE project = $1 AND active LIMIT 1";
pub(crate) const DELETE: &str = "UPDATE projects SET deleted = $2 WHERE id = $1";
pub(crate) const DELETE_ENVIRONMENTS: &str = "DELETE FROM environments WHERE project = $1";
pub(crate) const DELETE_HEADS: &str = "DELETE FROM heads WHERE project = $1";
pub(crate) const DELETE_WAITING: &str = "DELETE FROM inbox WHERE project = $1 AND due IS NOT NULL";
