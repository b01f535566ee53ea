macro_rules! runner_columns {
    () => {
        "id, project, description, tags, run_untagged, locked, ref_protected, maximum_timeout, paused, created"
    };
}
macro_rules! manager_columns {
    () => {
        "id, runner, system_id, instance, info, created, contacted"
    };
}

pub(crate) const INSERT: &str = concat!(
    "INSERT INTO runners
     (token, project, description, tags, run_untagged, locked, ref_protected, maximum_timeout, paused, created)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ",
    runner_columns!()
);
pub(crate) const BY_ID: &str = concat!("SELECT ", runner_columns!(), " FROM runners WHERE id = $1");
pub(crate) const BY_TOKEN: &str = concat!(
    "SELECT ",
    runner_columns!(),
    " FROM runners WHERE token = $1"
);
pub(crate) const ALL: &str = concat!("SELECT ", runner_columns!(), " FROM runners ORDER BY id");
pub(crate) const UPDATE: &str =
    "UPDATE runners SET description = $2, tags = $3, run_untagged = $4, locked = $5,
    ref_protected = $6, maximum_timeout = $7, paused = $8 WHERE id = $1";
pub(crate) const RESET_TOKEN: &str = "UPDATE runners SET token = $2 WHERE id = $1";
pub(crate) const DELETE: &str = "DELETE FROM runners WHERE id = $1";

pub(crate) const MANAGER: &str = concat!(
    "SELECT ",
    manager_columns!(),
    " FROM managers WHERE runner = $1 AND system_id = $2"
);
pub(crate) const MANAGER_BY_ID: &str = concat!(
    "SELECT ",
    manager_columns!(),
    " FROM managers WHERE id = $1"
);
pub(crate) const MANAGERS: &str = concat!(
    "SELECT ",
    manager_columns!(),
    " FROM managers WHERE runner = $1 ORDER BY id"
);
pub(crate) const INSERT_MANAGER: &str = "INSERT INTO managers
    (runner, system_id, instance, info, created, contacted) VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT (runner, system_id) DO NOTHING RETURNING id";
/// Reads a manager, which nobody else changes until this transaction is over.
pub(crate) const LOCK_MANAGER: &str = concat!(
    "UPDATE managers SET contacted = contacted WHERE runner = $1 AND system_id = $2 RETURNING ",
    manager_columns!()
);
pub(crate) const UPDATE_MANAGER: &str = "UPDATE managers
    SET instance = COALESCE($2, instance), info = COALESCE($3, info), contacted = $4 WHERE id = $1";
pub(crate) const DELETE_MANAGER: &str = "DELETE FROM managers WHERE runner = $1 AND system_id = $2";

pub(crate) const INSERT_REGISTRATION: &str = "INSERT INTO registration_tokens
    (token, project, description, created) VALUES ($1, $2, $3, $4)";
pub(crate) const REGISTRATION: &str = "SELECT token, project, description, created
    FROM registration_tokens WHERE token = $1";
pub(crate) const REGISTRATIONS: &str = "SELECT token, project, description, created
    FROM registration_tokens ORDER BY created, token";
pub(crate) const DELETE_REGISTRATION: &str = "DELETE FROM registration_tokens WHERE token = $1";
