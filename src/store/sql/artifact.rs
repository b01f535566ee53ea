macro_rules! columns {
    () => {
        "job, attempt, kind, format, file_name, size, sha256, object, expires, created"
    };
}

pub(crate) const RESERVE: &str =
    "INSERT INTO loose_objects (name, until, claimed) VALUES ($1, $2, FALSE)
    ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE NOT loose_objects.claimed";
/// A row names it from now on.
pub(crate) const TAKE: &str = "DELETE FROM loose_objects WHERE name = $1 AND NOT claimed";
pub(crate) const LOOSEN: &str =
    "INSERT INTO loose_objects (name, until, claimed) VALUES ($1, $2, FALSE)
    ON CONFLICT (name) DO NOTHING";
pub(crate) const OBJECT_OF: &str =
    "SELECT object FROM artifacts WHERE job = $1 AND attempt = $2 AND kind = $3";
pub(crate) const PUT: &str = "INSERT INTO artifacts
    (job, attempt, kind, format, file_name, size, sha256, object, expires, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (job, attempt, kind) DO UPDATE SET
    format = excluded.format, file_name = excluded.file_name, size = excluded.size, sha256 = excluded.sha256,
    object = excluded.object, expires = excluded.expires, created = excluded.created";
pub(crate) const OF: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM artifacts WHERE job = $1 AND attempt = $2 ORDER BY kind"
);
pub(crate) const OF_JOB: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM artifacts WHERE job = $1 ORDER BY attempt, kind"
);
pub(crate) const EXPIRED: &str = "SELECT job, attempt, kind, object FROM artifacts
    WHERE expires <= $1 ORDER BY expires LIMIT $2";
pub(crate) const DELETE: &str = "DELETE FROM artifacts
    WHERE job = $1 AND attempt = $2 AND kind = $3 AND object = $4";
pub(crate) const GARBAGE: &str =
    "SELECT name FROM loose_objects WHERE until <= $1 OR claimed ORDER BY until LIMIT $2";
pub(crate) const CLAIM: &str = "UPDATE loose_objects SET claimed = TRUE
    WHERE name = $1 AND (until <= $2 OR claimed)";
pub(crate) const REMOVED: &str = "DELETE FROM loose_objects WHERE name = $1 AND claimed";
