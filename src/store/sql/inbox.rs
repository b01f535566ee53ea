pub(crate) const PUT: &str =
    "INSERT INTO inbox (project, source, delivery, kind, body, received, due)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
    ON CONFLICT (project, source, delivery) DO NOTHING RETURNING id";
pub(crate) const NEXT: &str =
    "SELECT id, project, source, delivery, kind, body, received, failures, error
    FROM inbox WHERE due <= $1 ORDER BY id LIMIT $2";
pub(crate) const NEXT_AT: &str = "SELECT MIN(due) FROM inbox WHERE due IS NOT NULL";
pub(crate) const DONE: &str = "UPDATE inbox SET due = NULL, outcome = $2, done = $3, body = $4
    WHERE id = $1 AND due IS NOT NULL";
pub(crate) const FAILED: &str = "UPDATE inbox SET failures = failures + 1, error = $2, due = $3
    WHERE id = $1 AND due IS NOT NULL";
pub(crate) const FORGET: &str = "DELETE FROM inbox WHERE id IN
    (SELECT id FROM inbox WHERE done < $1 ORDER BY done LIMIT $2)";
