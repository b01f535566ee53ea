//! The rows of the language's tables, by section; each has a folder `<section>-<row>` of fixtures.

/// Section, and its rows.
pub(crate) const ROWS: &[(&str, &[&str])] = &[
    // The keywords together.
    ("00", &["whole-pipelines"]),
    // Global keywords.
    (
        "02",
        &[
            "default",
            "jobs",
            "pages",
            "stages",
            "top-level",
            "variables",
            "workflow",
        ],
    ),
    // Job keywords.
    (
        "03",
        &[
            "after_script",
            "allow_failure",
            "artifacts",
            "before_script",
            "cache",
            "coverage",
            "dast_configuration",
            "dependencies",
            "environment",
            "extends",
            "hooks",
            "id_tokens",
            "identity",
            "image",
            "inherit",
            "inputs",
            "interruptible",
            "manual_confirmation",
            "needs",
            "only-except",
            "pages",
            "parallel",
            "publish",
            "release",
            "resource_group",
            "retry",
            "rules",
            "run",
            "script",
            "secrets",
            "services",
            "stage",
            "start_in",
            "tags",
            "timeout",
            "trigger",
            "variables",
            "when",
        ],
    ),
    // Composition.
    (
        "04",
        &[
            "anchors",
            "include-local",
            "include-project",
            "include-remote",
            "include-template",
            "include-component",
            "include-artifact",
            "default-inherit",
            "reference",
        ],
    ),
    // Inputs.
    ("05", &["inputs"]),
    // Variables.
    ("06", &["expansion"]),
    // Conditions of rules.
    ("07", &["changes", "exists", "if"]),
    // `workflow`.
    (
        "09",
        &["workflow-auto_cancel", "workflow-name", "workflow-rules"],
    ),
    // `needs` and `parallel`.
    ("10", &["needs-parallel-matrix"]),
    // Failure and timing.
    ("11", &["durations", "retry-when"]),
    // `artifacts` and `cache`.
    (
        "12",
        &[
            "artifacts-access",
            "artifacts-expire_in",
            "artifacts-expose_as",
            "artifacts-name",
            "artifacts-paths",
            "artifacts-reports",
            "artifacts-untracked",
            "artifacts-when",
            "cache-fallback_keys",
            "cache-key",
            "cache-paths",
            "cache-policy",
            "cache-unprotect",
            "cache-when",
        ],
    ),
    // `environment`.
    (
        "13",
        &[
            "environment-action",
            "environment-auto_stop_in",
            "environment-deployment_tier",
            "environment-kubernetes",
            "environment-name",
            "environment-url",
        ],
    ),
    // `trigger` and `release`.
    (
        "14",
        &[
            "release",
            "trigger-bridge-keys",
            "trigger-include",
            "trigger-project",
        ],
    ),
    // `secrets`, `id_tokens`, `identity`.
    ("15", &["id_tokens", "identity", "secrets"]),
    // Logical validation.
    (
        "16",
        &[
            "access-xor-public",
            "delayed-start_in",
            "dependencies-among-needs",
            "duplicate-needs",
            "name-lengths",
            "need-cycles",
            "needs-exist",
            "needs-later-stage",
            "on_stop",
            "one-of-script-run-trigger",
            "parallel-size",
            "reserved-names",
            "stage-exists",
            "unknown-keys",
        ],
    ),
    // Limits.
    (
        "17",
        &[
            "caches",
            "delay",
            "expression-tokens",
            "job-inputs",
            "needs",
            "needs-project",
            "nesting",
            "parallel",
            "patterns",
            "tags",
            "trigger-include",
        ],
    ),
    // Rewritten samples of GitLab's own schema tests.
    ("19", &["schema-samples"]),
    // The keywords that GitLab lacks.
    ("30", &["arch", "index", "publish"]),
];
