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
