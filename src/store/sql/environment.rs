macro_rules! columns {
    () => {
        "project, name, version, slug, tier, state, url, git_ref, generation, deployed_by, on_stop, stops_at, updated"
    };
}

pub(crate) const INSERT: &str = "INSERT INTO environments
    (project, name, version, slug, tier, state, url, git_ref, generation, deployed_by, on_stop, stops_at, updated)
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (project, name) DO NOTHING";
pub(crate) const UPDATE: &str = "UPDATE environments
    SET version = version + 1, slug = $3, tier = $4, state = $5, url = $6, git_ref = $7, generation = $8,
    deployed_by = $9, on_stop = $10, stops_at = $11, updated = $12
    WHERE project = $1 AND name = $2 AND version = $13";
pub(crate) const ONE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM environments WHERE project = $1 AND name = $2"
);
pub(crate) const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM environments WHERE project = $1 ORDER BY name"
);
pub(crate) const TO_STOP: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM environments WHERE state = 'available' AND stops_at IS NOT NULL AND stops_at <= $1
     ORDER BY stops_at, project, name LIMIT $2"
);
pub(crate) const DELETE: &str =
    "DELETE FROM environments WHERE project = $1 AND name = $2 AND version = $3";
