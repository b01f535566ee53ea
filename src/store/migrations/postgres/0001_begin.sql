-- As the other dialect's. COLLATE "C": names are ordered by their bytes, whatever the database's locale.
--
-- Times are milliseconds since the epoch. Token hashes are 32 bytes. JSON is text that the database never looks into.

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

-- The last id that was given away.
INSERT INTO counters (name, value) VALUES ('job', 0), ('generation', 0);

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE projects (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version        BIGINT NOT NULL DEFAULT 1,
    path           TEXT COLLATE "C" NOT NULL,
    git_url        TEXT NOT NULL,
    default_branch TEXT,
    interval_ms    BIGINT NOT NULL,
    settings       TEXT NOT NULL,
    created        BIGINT NOT NULL,
    last_iid       BIGINT NOT NULL DEFAULT 0,
    deleted        BIGINT
);
CREATE UNIQUE INDEX projects_by_path ON projects (path) WHERE deleted IS NULL;

CREATE TABLE pipelines (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project     BIGINT NOT NULL REFERENCES projects (id),
    iid         BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    status      TEXT NOT NULL,
    active      BOOLEAN NOT NULL,
    started     BIGINT,
    finished    BIGINT,
    updated     BIGINT NOT NULL,
    cause       TEXT NOT NULL,
    git_ref     TEXT NOT NULL,
    sha         TEXT NOT NULL,
    before_sha  TEXT,
    source      TEXT NOT NULL,
    name        TEXT,
    plan_hash   TEXT,
    first_job   BIGINT NOT NULL,
    jobs        BIGINT NOT NULL,
    created     BIGINT NOT NULL,
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
    pipeline BIGINT PRIMARY KEY REFERENCES pipelines (id),
    plan     TEXT NOT NULL
);

-- The jobs of a pipeline are a range of ids: no index by pipeline is needed.
CREATE TABLE jobs (
    id           BIGINT PRIMARY KEY,
    pipeline     BIGINT NOT NULL REFERENCES pipelines (id),
    project      BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    name         TEXT NOT NULL,
    stage        TEXT NOT NULL,
    status       TEXT NOT NULL,
    attempt      BIGINT NOT NULL DEFAULT 0,
    manager      BIGINT,
    report_token BYTEA,
    read_token   BYTEA,
    updated      BIGINT NOT NULL,
    state        TEXT NOT NULL
);
CREATE INDEX jobs_by_status ON jobs (status, id);
CREATE INDEX jobs_by_project ON jobs (project, id);
CREATE INDEX jobs_by_project_status ON jobs (project, status, id);
-- Tokens are looked up only while a runner has the job: these stay as small as the number of slots.
CREATE INDEX jobs_by_report_token ON jobs (report_token) WHERE status IN ('preparing', 'running');
CREATE INDEX jobs_by_read_token ON jobs (read_token) WHERE status IN ('preparing', 'running');

CREATE TABLE outbox (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project  BIGINT NOT NULL,
    pipeline BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    subject  TEXT,
    body     TEXT NOT NULL,
    due      BIGINT NOT NULL,
    failures BIGINT NOT NULL DEFAULT 0,
    error    TEXT
);
CREATE INDEX outbox_by_due ON outbox (due);
CREATE UNIQUE INDEX outbox_by_subject ON outbox (project, subject) WHERE subject IS NOT NULL;

CREATE TABLE inbox (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project  BIGINT NOT NULL REFERENCES projects (id),
    source   TEXT NOT NULL,
    delivery TEXT NOT NULL,
    kind     TEXT NOT NULL,
    body     BYTEA NOT NULL,
    received BIGINT NOT NULL,
    due      BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    error    TEXT,
    outcome  TEXT,
    done     BIGINT,
    UNIQUE (project, source, delivery)
);
CREATE INDEX inbox_due ON inbox (due) WHERE due IS NOT NULL;
CREATE INDEX inbox_done ON inbox (done) WHERE done IS NOT NULL;

CREATE TABLE heads (
    project       BIGINT NOT NULL REFERENCES projects (id),
    name          TEXT COLLATE "C" NOT NULL,
    sha           TEXT NOT NULL,
    generation    BIGINT NOT NULL,
    missing_since BIGINT,
    updated       BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE traces (
    job      BIGINT NOT NULL,
    attempt  BIGINT NOT NULL,
    received BIGINT NOT NULL,
    kept     BIGINT NOT NULL,
    crc32    BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    sealed   TEXT,
    PRIMARY KEY (job, attempt)
);
CREATE INDEX traces_unsealed ON traces (job, attempt) WHERE sealed IS NULL AND kept > 0;

CREATE TABLE trace_chunks (
    job     BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    start   BIGINT NOT NULL,
    bytes   BYTEA NOT NULL,
    PRIMARY KEY (job, attempt, start)
);

CREATE TABLE artifacts (
    job       BIGINT NOT NULL,
    attempt   BIGINT NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    format    TEXT NOT NULL,
    file_name TEXT NOT NULL,
    size      BIGINT NOT NULL,
    sha256    TEXT NOT NULL,
    object    TEXT NOT NULL,
    expires   BIGINT,
    created   BIGINT NOT NULL,
    PRIMARY KEY (job, attempt, kind)
);
CREATE INDEX artifacts_expiring ON artifacts (expires) WHERE expires IS NOT NULL;

-- Objects that no row names: reserved ones until their time, then garbage.
CREATE TABLE loose_objects (
    name    TEXT PRIMARY KEY,
    until   BIGINT NOT NULL,
    claimed BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX loose_objects_by_time ON loose_objects (until);

-- project NULL: for all projects.
CREATE TABLE runners (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token           BYTEA NOT NULL UNIQUE,
    project         BIGINT REFERENCES projects (id),
    description     TEXT NOT NULL,
    tags            TEXT NOT NULL,
    run_untagged    BOOLEAN NOT NULL,
    locked          BOOLEAN NOT NULL,
    ref_protected   BOOLEAN NOT NULL,
    maximum_timeout BIGINT,
    paused          BOOLEAN NOT NULL,
    created         BIGINT NOT NULL
);

CREATE TABLE managers (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    runner    BIGINT NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    system_id TEXT NOT NULL,
    instance  TEXT,
    info      TEXT,
    created   BIGINT NOT NULL,
    contacted BIGINT NOT NULL,
    UNIQUE (runner, system_id)
);

CREATE TABLE registration_tokens (
    token       BYTEA PRIMARY KEY,
    project     BIGINT REFERENCES projects (id),
    description TEXT NOT NULL,
    created     BIGINT NOT NULL
);

CREATE TABLE access_tokens (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token   BYTEA NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    scope   TEXT NOT NULL,
    expires BIGINT,
    created BIGINT NOT NULL
);
