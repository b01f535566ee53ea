//! Scenarios: a pipeline file beside what must become of its jobs, run by the real program on the host executor.
//!
//! Each folder of `tests/scenarios` is a small repository with an `expect.json`:
//! `{"args": [...], "exit": 0, "jobs": {"name": "status"}, "lines": {"name": ["line", ...]}, "absent": [...]}`.
//! `jobs` must be complete; `lines` must appear in this order in the job's log; `absent` must appear in no log.

mod support;

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use support::{Project, events};

#[test]
fn every_scenario_ends_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("tests/scenarios")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.is_dir())
        .collect();
    names.sort();
    assert!(names.len() >= 15, "scenarios went missing");
    let failures: Vec<String> = names.iter().filter_map(|path| check(path).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn check(scenario: &Path) -> Result<(), String> {
    let name = scenario.file_name().unwrap_or_default().to_string_lossy();
    let expect = std::fs::read_to_string(scenario.join("expect.json"))
        .map_err(|error| format!("{name}: {error}"))?;
    let expect: Value =
        serde_json::from_str(&expect).map_err(|error| format!("{name}: expect.json: {error}"))?;
    let project = Project::copy_of(scenario);
    let args: Vec<&str> = expect["args"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let done =
        project.aqueduct(&[&["run", "--json", "--executor", "host"], args.as_slice()].concat());
    let told = events(&done.stdout);
    let fail = |what: String| {
        Err(format!(
            "{name}: {what}\n--- stderr\n{}--- stdout\n{}",
            done.stderr, done.stdout
        ))
    };

    let exit = expect["exit"].as_i64().unwrap_or(0);
    if i64::from(done.code) != exit {
        return fail(format!("exit code {} instead of {exit}", done.code));
    }
    let ended: BTreeMap<String, String> = told
        .iter()
        .filter(|event| event["event"] == "job_finished")
        .map(|event| (text(&event["job"]), text(&event["status"])))
        .collect();
    let jobs: BTreeMap<String, String> = expect["jobs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(job, status)| (job.clone(), text(status)))
        .collect();
    if ended != jobs {
        return fail(format!("jobs ended as {ended:?} instead of {jobs:?}"));
    }
    for (job, lines) in expect["lines"].as_object().into_iter().flatten() {
        let log: Vec<String> = told
            .iter()
            .filter(|event| event["event"] == "log" && event["job"] == *job)
            .map(|event| text(&event["line"]))
            .collect();
        let mut rest = log.iter();
        for line in lines.as_array().into_iter().flatten().map(text) {
            if !rest.any(|seen| *seen == line) {
                return fail(format!("`{line}` is not in its place in the log of {job}"));
            }
        }
    }
    for word in expect["absent"].as_array().into_iter().flatten().map(text) {
        if done.stdout.contains(&word) {
            return fail(format!("`{word}` must not appear"));
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
