//! The pipeline that every branch gets: 25 jobs of all kinds.

use std::fmt::Write as _;

/// How many jobs it has.
pub(crate) const JOBS: usize = 25;
/// What a job of it does.
pub(crate) const WORK: &str = include_str!("work.sh");
/// Where releases go.
pub(crate) const OPERATOR: &str = "
[destinations.east]
type = \"directory\"
path = \"east\"

[projects.\"group/name\"]
destinations = [\"east\"]
packages = [\"weir\"]
";

/// The pipeline file; jobs write to `outside`.
pub(crate) fn file(outside: &str) -> String {
    let mut text = format!(
        "stages: [build, test, release]
variables: {{OUT: \"{outside}\"}}
default:
  retry: {{max: 2, when: [runner_system_failure, stuck_or_timeout_failure]}}
publish:
  stage: release
  needs: [wheel]
  publish: {{python: dist/*.whl, to: [east]}}
"
    );
    for number in 1..=3 {
        job(
            &mut text,
            &format!("make-{number}"),
            "build",
            "  artifacts: {paths: [out/], reports: {dotenv: made.env}}\n",
        );
        let needs = format!("  needs: [make-{number}]\n");
        job(&mut text, &format!("check-{number}"), "test", &needs);
    }
    for number in 1..=8 {
        let stage = if number < 6 { "build" } else { "test" };
        job(&mut text, &format!("lines-{number}"), stage, "");
    }
    for (name, stage, more) in [
        ("wheel", "build", "  artifacts: {paths: [dist/]}\n"),
        ("big-1", "build", ""),
        ("big-2", "build", ""),
        ("long", "build", ""),
        ("binary", "build", ""),
        ("sections", "build", ""),
        ("allowed", "build", "  allow_failure: {exit_codes: [3]}\n"),
        ("flaky", "build", "  retry: 2\n"),
        ("sleeper", "test", "  allow_failure: true\n"),
        ("deploy", "release", "  when: manual\n  needs: []\n"),
    ] {
        job(&mut text, name, stage, more);
    }
    text
}

fn job(text: &mut String, name: &str, stage: &str, more: &str) {
    let kind = kind(name);
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "{name}:\n  stage: {stage}\n  script: [bash work.sh {kind}]\n{more}"
    );
}

/// What kind of job it is.
pub(crate) fn kind(name: &str) -> &str {
    name.split('-').next().unwrap()
}

/// How it has to end.
pub(crate) fn status(name: &str) -> &'static str {
    match name {
        "allowed" => "failed",
        "sleeper" => "canceled",
        _ => "success",
    }
}
