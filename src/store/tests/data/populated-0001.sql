-- A row of each table as the first version wrote it. Bytes stand as x'…'; the test puts them into the dialect's form.
INSERT INTO meta (name, value) VALUES ('external_url', 'https://ci.example.com');
UPDATE counters SET value = 2 WHERE name = 'job';
INSERT INTO projects (version, path, git_url, default_branch, interval_ms, settings, created, last_iid)
VALUES (3, 'group/old', 'https://git.example.com/old.git', 'main', 60000, '{}', 1700000000000, 1);
INSERT INTO pipelines (project, iid, version, status, active, updated, cause, git_ref, sha, source, first_job, jobs, created, state)
VALUES (1, 1, 5, 'running', TRUE, 1700000000001, 'push:1', 'refs/heads/main', 'aa', 'push', 1, 2, 1700000000000, '{}');
INSERT INTO plans (pipeline, plan) VALUES (1, '{"jobs":[]}');
INSERT INTO jobs (id, pipeline, project, position, name, stage, status, attempt, manager, report_token, read_token, updated, state)
VALUES (1, 1, 1, 0, 'build', 'build', 'running', 1, 1, x'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', NULL, 1700000000001, '{}'),
       (2, 1, 1, 1, 'test', 'test', 'created', 0, NULL, NULL, NULL, 1700000000000, '{}');
INSERT INTO outbox (project, pipeline, kind, subject, body, due) VALUES (1, 1, 'commit_status', 'status/1', '{}', 1700000000000);
INSERT INTO inbox (project, source, delivery, kind, body, received, due) VALUES (1, 'gitea', '7', 'push', x'7b7d', 1700000000000, 1700000000000);
INSERT INTO heads (project, name, sha, generation, updated) VALUES (1, 'refs/heads/main', 'aa', 1, 1700000000000);
INSERT INTO traces (job, attempt, received, kept, crc32, updated) VALUES (1, 1, 3, 3, 891568578, 1700000000001);
INSERT INTO trace_chunks (job, attempt, start, bytes) VALUES (1, 1, 0, x'616263');
INSERT INTO artifacts (job, attempt, kind, format, file_name, size, sha256, object, created)
VALUES (1, 1, 'archive', 'zip', 'artifacts.zip', 4, 'ff', 'artifacts/0/1-1-a', 1700000000001);
INSERT INTO loose_objects (name, until) VALUES ('traces/0/1-1-b', 1700000000000);
INSERT INTO runners (token, project, description, tags, run_untagged, locked, ref_protected, paused, created)
VALUES (x'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', NULL, 'old', 'a
b
', TRUE, FALSE, FALSE, FALSE, 1700000000000);
INSERT INTO managers (runner, system_id, created, contacted) VALUES (1, 's_1', 1700000000000, 1700000000000);
INSERT INTO registration_tokens (token, description, created)
VALUES (x'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'old', 1700000000000);
INSERT INTO access_tokens (token, name, scope, created)
VALUES (x'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'old', 'admin', 1700000000000);
