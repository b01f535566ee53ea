CREATE TABLE environments (
    project     BIGINT NOT NULL REFERENCES projects (id),
    name        TEXT COLLATE "C" NOT NULL,
    version     BIGINT NOT NULL,
    slug        TEXT NOT NULL,
    tier        TEXT NOT NULL,
    state       TEXT NOT NULL,
    url         TEXT,
    git_ref     TEXT NOT NULL,
    generation  BIGINT,
    deployed_by BIGINT,
    on_stop     BIGINT,
    stops_at    BIGINT,
    updated     BIGINT NOT NULL,
    PRIMARY KEY (project, name),
    UNIQUE (project, slug)
);
CREATE INDEX environments_to_stop ON environments (stops_at) WHERE state = 'available' AND stops_at IS NOT NULL;
