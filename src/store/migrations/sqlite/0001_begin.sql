-- Times are milliseconds since the epoch. Token hashes are 32 bytes. JSON is text that the database never looks into.

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- The last id that was given away.
INSERT INTO counters (name, value) VALUES ('job', 0), ('generation', 0);

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE projects (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    version        INTEGER NOT NULL DEFAULT 1,
    path           TEXT NOT NULL,
    git_url        TEXT NOT NULL,
    default_branch TEXT,
    interval_ms    INTEGER NOT NULL,
    settings       TEXT NOT NULL,
    created        INTEGER NOT NULL,
    last_iid       INTEGER NOT NULL DEFAULT 0,
    deleted        INTEGER
);
CREATE UNIQUE INDEX projects_by_path ON projects (path) WHERE deleted IS NULL;

CREATE TABLE pipelines (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     INTEGER NOT NULL REFERENCES projects (id),
    iid         INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    status      TEXT NOT NULL,
    active      INTEGER NOT NULL,
    started     INTEGER,
    finished    INTEGER,
    updated     INTEGER NOT NULL,
    cause       TEXT NOT NULL,
    git_ref     TEXT NOT NULL,
    sha         TEXT NOT NULL,
    before_sha  TEXT,
    source      TEXT NOT NULL,
    name        TEXT,
    plan_hash   TEXT,
    first_job   INTEGER NOT NULL,
    jobs        INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    diagnostics TEXT,
    state       TEXT NOT NULL,
    UNIQUE (project, cause),
    UNIQUE (project, iid)
);
CREATE INDEX pipelines_active ON pipelines (id) WHERE active;
CREATE INDEX pipelines_by_ref ON pipelines (project, git_ref, id);
CREATE INDEX pipelines_by_project ON pipelines (project, id);
CREATE INDEX pipelines_by_project_status ON pipelines (project, status, id);
CREATE INDEX pipelines_by_status ON pipelines (status, id);

-- Apart, since it is large and never changes.
CREATE TABLE plans (
    pipeline INTEGER PRIMARY KEY REFERENCES pipelines (id),
    plan     TEXT NOT NULL
);

-- The jobs of a pipeline are a range of ids: no index by pipeline is needed.
CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY,
    pipeline     INTEGER NOT NULL REFERENCES pipelines (id),
    project      INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    stage        TEXT NOT NULL,
    status       TEXT NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    manager      INTEGER,
    report_token BLOB,
    read_token   BLOB,
    updated      INTEGER NOT NULL,
    state        TEXT NOT NULL
);
CREATE INDEX jobs_by_status ON jobs (status, id);
CREATE INDEX jobs_by_project ON jobs (project, id);
CREATE INDEX jobs_by_project_status ON jobs (project, status, id);
-- Tokens are looked up only while a runner has the job: these stay as small as the number of slots.
CREATE INDEX jobs_by_report_token ON jobs (report_token) WHERE status IN ('preparing', 'running');
CREATE INDEX jobs_by_read_token ON jobs (read_token) WHERE status IN ('preparing', 'running');

CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    project  INTEGER NOT NULL,
    pipeline INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    subject  TEXT,
    body     TEXT NOT NULL,
    due      INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    error    TEXT
);
CREATE INDEX outbox_by_due ON outbox (due);
CREATE UNIQUE INDEX outbox_by_subject ON outbox (project, subject) WHERE subject IS NOT NULL;

CREATE TABLE inbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    project  INTEGER NOT NULL REFERENCES projects (id),
    source   TEXT NOT NULL,
    delivery TEXT NOT NULL,
    kind     TEXT NOT NULL,
    body     BLOB NOT NULL,
    received INTEGER NOT NULL,
    due      INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    error    TEXT,
    outcome  TEXT,
    done     INTEGER,
    UNIQUE (project, source, delivery)
);
CREATE INDEX inbox_due ON inbox (due) WHERE due IS NOT NULL;
CREATE INDEX inbox_done ON inbox (done) WHERE done IS NOT NULL;

CREATE TABLE heads (
    project       INTEGER NOT NULL REFERENCES projects (id),
    name          TEXT NOT NULL,
    sha           TEXT NOT NULL,
    generation    INTEGER NOT NULL,
    missing_since INTEGER,
    updated       INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) WITHOUT ROWID;

CREATE TABLE traces (
    job      INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    received INTEGER NOT NULL,
    kept     INTEGER NOT NULL,
    crc32    INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    sealed   TEXT,
    PRIMARY KEY (job, attempt)
) WITHOUT ROWID;
CREATE INDEX traces_unsealed ON traces (job, attempt) WHERE sealed IS NULL AND kept > 0;

CREATE TABLE trace_chunks (
    job     INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (job, attempt, start)
);

CREATE TABLE artifacts (
    job       INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    format    TEXT NOT NULL,
    file_name TEXT NOT NULL,
    size      INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    object    TEXT NOT NULL,
    expires   INTEGER,
    created   INTEGER NOT NULL,
    PRIMARY KEY (job, attempt, kind)
) WITHOUT ROWID;
CREATE INDEX artifacts_expiring ON artifacts (expires) WHERE expires IS NOT NULL;

-- Objects that no row names: reserved ones until their time, then garbage.
CREATE TABLE loose_objects (
    name    TEXT PRIMARY KEY,
    until   INTEGER NOT NULL,
    claimed INTEGER NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
CREATE INDEX loose_objects_by_time ON loose_objects (until);

-- project NULL: for all projects.
CREATE TABLE runners (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    token           BLOB NOT NULL UNIQUE,
    project         INTEGER REFERENCES projects (id),
    description     TEXT NOT NULL,
    tags            TEXT NOT NULL,
    run_untagged    INTEGER NOT NULL,
    locked          INTEGER NOT NULL,
    ref_protected   INTEGER NOT NULL,
    maximum_timeout INTEGER,
    paused          INTEGER NOT NULL,
    created         INTEGER NOT NULL
);

CREATE TABLE managers (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    runner    INTEGER NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    system_id TEXT NOT NULL,
    instance  TEXT,
    info      TEXT,
    created   INTEGER NOT NULL,
    contacted INTEGER NOT NULL,
    UNIQUE (runner, system_id)
);

CREATE TABLE registration_tokens (
    token       BLOB PRIMARY KEY,
    project     INTEGER REFERENCES projects (id),
    description TEXT NOT NULL,
    created     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE access_tokens (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    token   BLOB NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    scope   TEXT NOT NULL,
    expires INTEGER,
    created INTEGER NOT NULL
);
