pub(crate) const ALIVE: &str = "SELECT value FROM counters WHERE name = 'alive'";
pub(crate) const SET_ALIVE: &str = "INSERT INTO counters (name, value) VALUES ('alive', $1)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value";
pub(crate) const GET: &str = "SELECT value FROM meta WHERE name = $1";
pub(crate) const SET: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
/// Writes the row in any case, so that the answer is the row's as the last writer left it.
pub(crate) const OR: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = meta.value RETURNING value";
