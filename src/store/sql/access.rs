macro_rules! columns {
    () => {
        "id, name, scope, expires, created"
    };
}

pub(crate) const INSERT: &str = "INSERT INTO access_tokens (token, name, scope, expires, created)
    VALUES ($1, $2, $3, $4, $5) RETURNING id";
pub(crate) const BY_TOKEN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM access_tokens WHERE token = $1"
);
pub(crate) const ALL: &str = concat!("SELECT ", columns!(), " FROM access_tokens ORDER BY id");
pub(crate) const DELETE: &str = "DELETE FROM access_tokens WHERE id = $1";

pub(crate) const FORGET_SESSIONS: &str = "DELETE FROM sessions WHERE expires <= $1";
pub(crate) const BEGIN_SESSION: &str = "INSERT INTO sessions (hash, token, expires)
    SELECT $1, id, $3 FROM access_tokens WHERE id = $2";
pub(crate) const SESSION: &str = "SELECT a.id, a.name, a.scope, a.expires, a.created
    FROM sessions s JOIN access_tokens a ON a.id = s.token WHERE s.hash = $1 AND s.expires > $2";
pub(crate) const END_SESSION: &str = "DELETE FROM sessions WHERE hash = $1";
