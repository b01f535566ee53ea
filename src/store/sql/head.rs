pub(crate) const ALL: &str = "SELECT name, sha, generation, missing_since, updated
    FROM heads WHERE project = $1 ORDER BY name";
pub(crate) const ONE: &str = "SELECT name, sha, generation, missing_since, updated
    FROM heads WHERE project = $1 AND name = $2";
pub(crate) const NEXT_GENERATION: &str =
    "UPDATE counters SET value = value + 1 WHERE name = 'generation' RETURNING value";
pub(crate) const INSERT: &str = "INSERT INTO heads (project, name, sha, generation, updated)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project, name) DO NOTHING";
pub(crate) const MOVE: &str = "UPDATE heads SET sha = $4, missing_since = NULL, updated = $5
    WHERE project = $1 AND name = $2 AND sha = $3";
pub(crate) const MISSING: &str =
    "UPDATE heads SET missing_since = COALESCE(missing_since, $4), updated = $4
    WHERE project = $1 AND name = $2 AND sha = $3";
pub(crate) const BACK: &str = "UPDATE heads SET missing_since = NULL, updated = $4
    WHERE project = $1 AND name = $2 AND sha = $3";
pub(crate) const DELETE: &str = "DELETE FROM heads WHERE project = $1 AND name = $2 AND sha = $3";
