//! `kill -9` of either process in the middle: each job ends once, and its log is what it wrote.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use serde_json::Value;

use crate::rig::Rig;

/// Each job writes its lines to a file of the attempt's own too, and one line to a ledger when it is done.
fn pipeline(outside: &str, jobs: usize) -> String {
    let mut text = String::from("stages: [one, two]\n");
    for job in 0..jobs {
        let stage = if job % 2 == 0 { "one" } else { "two" };
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"
job-{job}:
  stage: {stage}
  variables: {{OUT: "{outside}"}}
  script:
    - |
      mine="$OUT/written-$CI_JOB_ID-$$"
      echo "begin $mine"
      for i in $(seq 1 40); do echo "line $i of $CI_JOB_NAME é"; sleep 0.05; done | tee "$mine"
      echo "end $mine"
      echo "$CI_JOB_NAME" >> "$OUT/ledger"
"#
        );
    }
    text
}

/// Every log holds exactly what the attempt that counts wrote, between its two marks.
async fn check(rig: &Rig, jobs: &[Value]) {
    for job in jobs {
        assert_eq!(job["status"], "success", "{jobs:#?}");
        let log = rig.log(job).await;
        let (_, rest) = log.split_once("\nbegin ").unwrap();
        let (file, rest) = rest.split_once('\n').unwrap();
        let (body, _) = rest.split_once(&format!("end {file}\n")).unwrap();
        assert_eq!(body, fs::read_to_string(Path::new(file)).unwrap());
        assert_eq!(body.lines().count(), 40);
    }
}

#[tokio::test]
async fn a_killed_coordinator_disturbs_no_job() {
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().to_str().unwrap();
    let mut rig = Rig::new(&pipeline(path, 4)).await;
    rig.push();
    for pause in [600, 900, 300, 1200, 100, 700] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        rig.kill_coordinator();
        tokio::time::sleep(Duration::from_millis(pause / 3)).await;
        rig.start_coordinator();
        rig.answers().await;
    }
    let pipeline = rig.ended().await;
    let jobs = rig.jobs(&pipeline).await;
    check(&rig, &jobs).await;
    for job in &jobs {
        assert_eq!(job["attempt"], 1, "the runner lived: {job}");
    }
    let mut ledger: Vec<String> = fs::read_to_string(outside.path().join("ledger"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    ledger.sort();
    assert_eq!(
        ledger,
        ["job-0", "job-1", "job-2", "job-3"],
        "each ran once"
    );
    let pipelines = rig.get("/pipelines").await;
    assert_eq!(
        pipelines.as_array().unwrap().len(),
        1,
        "one push, one pipeline"
    );
}

#[tokio::test]
async fn what_a_killed_runner_had_is_run_again_and_ends_once() {
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().to_str().unwrap();
    let mut rig = Rig::new(&pipeline(path, 4)).await;
    rig.push();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    rig.kill_runner();
    rig.start_runner();
    // Twice and no more: that is what a job's budget for lost runners pays for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.kill_runner();
    rig.kill_coordinator();
    rig.start_coordinator();
    rig.start_runner();
    rig.answers().await;
    let pipeline = rig.ended().await;
    assert_eq!(pipeline["status"], "success");
    check(&rig, &rig.jobs(&pipeline).await).await;
    // The living runner has its own folder; those of the dead are swept.
    let folders = fs::read_dir(rig.outside().join("builds/runs")).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name());
    let runs: Vec<_> = names
        .filter(|name| name.to_string_lossy().starts_with("run-"))
        .collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
}
