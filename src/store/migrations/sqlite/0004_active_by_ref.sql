CREATE INDEX pipelines_active_by_ref ON pipelines (project, git_ref) WHERE active;
