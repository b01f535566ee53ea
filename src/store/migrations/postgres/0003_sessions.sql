-- Sessions of people in a browser: they end with the access token that they were begun with.
CREATE TABLE sessions (
    hash    BYTEA PRIMARY KEY,
    token   BIGINT NOT NULL REFERENCES access_tokens (id) ON DELETE CASCADE,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_by_token ON sessions (token);
CREATE INDEX sessions_by_time ON sessions (expires);
