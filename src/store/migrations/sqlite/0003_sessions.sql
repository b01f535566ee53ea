-- Sessions of people in a browser: they end with the access token that they were begun with.
CREATE TABLE sessions (
    hash    BLOB PRIMARY KEY,
    token   INTEGER NOT NULL REFERENCES access_tokens (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_token ON sessions (token);
CREATE INDEX sessions_by_time ON sessions (expires);
