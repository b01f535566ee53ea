macro_rules! columns {
    () => {
        "id, project, pipeline, kind, subject, body, due, failures, error"
    };
}

pub(crate) const REPLACE: &str = "DELETE FROM outbox WHERE project = $1 AND subject = $2";
pub(crate) const INSERT: &str = "INSERT INTO outbox (project, pipeline, kind, subject, body, due)
    VALUES ($1, $2, $3, $4, $5, $6)";
pub(crate) const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM outbox WHERE due <= $1 ORDER BY id LIMIT $2"
);
pub(crate) const NEXT_AT: &str = "SELECT MIN(due) FROM outbox";
pub(crate) const DONE: &str = "DELETE FROM outbox WHERE id = $1";
pub(crate) const FAILED: &str =
    "UPDATE outbox SET failures = failures + 1, error = $2, due = $3 WHERE id = $1";
