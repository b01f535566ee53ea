/// Makes the row if there is none, and locks it.
pub(crate) const TOUCH: &str = "INSERT INTO traces (job, attempt, received, kept, crc32, updated)
    VALUES ($1, $2, 0, 0, 0, $3)
    ON CONFLICT (job, attempt) DO UPDATE SET updated = excluded.updated
    RETURNING received, kept, crc32, sealed";
pub(crate) const HEAD: &str =
    "SELECT received, kept, crc32, sealed FROM traces WHERE job = $1 AND attempt = $2";
pub(crate) const ADVANCE: &str =
    "UPDATE traces SET received = $3, kept = $4, crc32 = $5 WHERE job = $1 AND attempt = $2";
pub(crate) const INSERT_CHUNK: &str =
    "INSERT INTO trace_chunks (job, attempt, start, bytes) VALUES ($1, $2, $3, $4)";
/// The chunk that holds a byte, if one does: the last that begins at or before it.
pub(crate) const CHUNK_AT: &str = "SELECT start, bytes FROM trace_chunks
    WHERE job = $1 AND attempt = $2 AND start <= $3 ORDER BY start DESC LIMIT 1";
pub(crate) const CHUNKS_AFTER: &str = "SELECT start, bytes FROM trace_chunks
    WHERE job = $1 AND attempt = $2 AND start > $3 AND start < $4 ORDER BY start LIMIT $5";
/// The attempt is over if no runner has its job, or the job is at a later one.
pub(crate) const UNSEALED: &str =
    "SELECT t.job, t.attempt FROM traces t JOIN jobs j ON j.id = t.job
    WHERE t.sealed IS NULL AND t.kept > 0 AND t.updated <= $1
    AND (j.attempt > t.attempt OR j.status NOT IN ('preparing', 'running'))
    ORDER BY t.job, t.attempt LIMIT $2";
pub(crate) const SEAL: &str = "UPDATE traces SET sealed = $4
    WHERE job = $1 AND attempt = $2 AND kept = $3 AND sealed IS NULL";
pub(crate) const DELETE_CHUNKS: &str = "DELETE FROM trace_chunks WHERE job = $1 AND attempt = $2";
