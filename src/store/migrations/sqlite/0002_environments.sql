CREATE TABLE environments (
    project     INTEGER NOT NULL REFERENCES projects (id),
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    slug        TEXT NOT NULL,
    tier        TEXT NOT NULL,
    state       TEXT NOT NULL,
    url         TEXT,
    git_ref     TEXT NOT NULL,
    generation  INTEGER,
    deployed_by INTEGER,
    on_stop     INTEGER,
    stops_at    INTEGER,
    updated     INTEGER NOT NULL,
    PRIMARY KEY (project, name),
    UNIQUE (project, slug)
) WITHOUT ROWID;
CREATE INDEX environments_to_stop ON environments (stops_at) WHERE state = 'available' AND stops_at IS NOT NULL;
