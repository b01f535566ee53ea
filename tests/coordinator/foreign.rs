//! Two independent clients of the Runner API, neither of which knows this coordinator.
//!
//! | part | `gitlab-python-runner` 14.3.20 (PyPI) | `gitlab-runner` 0.3.2 (crates.io) |
//! | --- | --- | --- |
//! | register with a registration token, unregister | yes, by form | has none: a `glrt-` token |
//! | verify, rotate tokens, long polling | has none | has none |
//! | request with an `info` of few fields | no executor's features | neither name nor executor |
//! | sources cloned with the job's token | yes | has none |
//! | trace by offset | `END` exclusive | `END` inclusive, interval adopted |
//! | artifacts up: fields of the form behind the file | zip | zip and gzip (dotenv) |
//! | artifacts of needed jobs down | yes | yes |
//! | success, failure without a reason or an exit code | yes | yes |
//! | cancelled while running | by the 403 of a trace | by `Job-Status: canceled` |
//!
//! Their scripts are run by themselves: the first has `gitlab-emulator` for it, the second gets a shell in
//! `tests/peers/gitlab-runner`.

use std::{
    process::{Child, Command, Stdio},
    time::Instant,
};

use aqueduct_testkit::foreign_runners;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::Rig;

const PIPELINE: &str = r#"
stages: [build, test]
variables: {WHO: world}
build:
  stage: build
  tags: [other]
  before_script: [mkdir -p out]
  script:
    - echo "hello $WHO"
    - echo data > out/file
    - echo VERSION=7 > version.env
  artifacts:
    paths: [out/]
    expire_in: 1 day
    reports: {dotenv: version.env}
use:
  stage: test
  tags: [other]
  needs: [build]
  script:
    - cat out/file
    - echo "version is $VERSION"
bad:
  stage: test
  tags: [other]
  needs: [build]
  script:
    - echo "this will fail"
    - exit 3
slow:
  stage: test
  tags: [other]
  when: manual
  needs: [build]
  script:
    - for i in $(seq 1 100); do echo "tick $i"; sleep 1; done
"#;

async fn rig() -> Rig {
    let rig = Rig::coordinator(&[(".gitlab-ci.yml", PIPELINE)], "").await;
    let asked = json!({"path": "group/name", "git_url": rig.bare(), "interval_ms": 200});
    rig.call(Method::POST, "/projects", Some(&asked)).await;
    rig.push();
    let began = Instant::now();
    while rig.get("/pipelines").await.as_array().unwrap().is_empty() {
        rig.wait(began).await;
    }
    rig
}

/// The job of that name.
async fn job(rig: &Rig, name: &str) -> Value {
    let jobs = rig.jobs(&json!({"id": 1})).await;
    jobs.into_iter().find(|job| job["name"] == name).unwrap()
}

async fn becomes(rig: &Rig, name: &str, status: &str) {
    let began = Instant::now();
    while job(rig, name).await["status"] != status {
        rig.wait(began).await;
    }
}

/// Plays the long job, and cancels it once its log shows that it runs.
async fn play_and_cancel(rig: &Rig, started: &str) {
    let slow = job(rig, "slow").await;
    let path = |verb: &str| format!("/jobs/{}/{verb}", slow["id"]);
    let began = Instant::now();
    while !rig.log(&slow).await.contains(started) {
        rig.wait(began).await;
    }
    rig.call(Method::POST, &path("cancel"), None).await;
    becomes(rig, "slow", "canceled").await;
}

fn stop(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn ended(mut child: Child) {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed().as_secs() < 60, "the runner goes on");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[tokio::test]
async fn the_python_runner_works_a_pipeline_off() {
    let rig = rig().await;
    let (url, _) = rig.address();
    let dir = rig.outside().join("python");
    std::fs::create_dir(&dir).unwrap();
    let python = foreign_runners::python().unwrap();
    let runner = |args: &[&str]| {
        let mut command = Command::new(&python);
        command
            .args(["-m", "GitlabPyRunner"])
            .args(args)
            .current_dir(&dir);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let made = rig
        .call(
            Method::POST,
            "/registration-tokens",
            Some(&json!({"description": "old"})),
        )
        .await;
    let token = made["token"].as_str().unwrap();
    let register = [
        "--register",
        url,
        "--regtoken",
        token,
        "--desc",
        "py",
        "--tag",
        "other",
        "--tag",
        "more",
    ];
    assert!(runner(&register).status().unwrap().success());

    let once = ["--start", "gitlab-runner.yml", "--once"];
    for _ in 0..3 {
        runner(&once).status().unwrap();
    }
    for (name, status) in [("build", "success"), ("use", "success"), ("bad", "failed")] {
        assert_eq!(job(&rig, name).await["status"], status, "{name}");
    }
    let log = rig.log(&job(&rig, "build").await).await;
    assert!(
        log.contains("\nhello world\n") && log.contains("Job complete success=True\n"),
        "{log}"
    );
    let log = rig.log(&job(&rig, "use").await).await;
    assert!(log.contains("\ndata\n"), "{log}");

    let slow = job(&rig, "slow").await;
    rig.call(Method::POST, &format!("/jobs/{}/play", slow["id"]), None)
        .await;
    let running = runner(&once).spawn().unwrap();
    play_and_cancel(&rig, "tick 1\n").await;
    // It hears of it, and then waits for a script that its emulator does not stop.
    stop(running);

    assert!(runner(&["--unregister"]).status().unwrap().success());
    let runners = rig.get("/runners").await;
    let left = runners.as_array().unwrap().iter();
    assert!(
        left.clone().all(|runner| runner["description"] != "py"),
        "{runners}"
    );
}

#[tokio::test]
async fn the_crate_s_runner_works_a_pipeline_off() {
    let rig = rig().await;
    let (url, _) = rig.address();
    let program = foreign_runners::of_crate().unwrap();
    let asked = json!({"description": "crate", "tags": ["other"]});
    let made = rig.call(Method::POST, "/runners", Some(&asked)).await;
    let token = made["token"].as_str().unwrap();
    let runner = |jobs: &str| {
        let mut command = Command::new(&program);
        command.args([url, token, jobs]).stdin(Stdio::null());
        command.spawn().unwrap()
    };
    ended(runner("3"));
    for (name, status) in [("build", "success"), ("use", "success"), ("bad", "failed")] {
        assert_eq!(job(&rig, name).await["status"], status, "{name}");
    }
    let log = rig.log(&job(&rig, "use").await).await;
    assert!(log.contains("data\nversion is 7\n"), "{log}");

    let slow = job(&rig, "slow").await;
    rig.call(Method::POST, &format!("/jobs/{}/play", slow["id"]), None)
        .await;
    let running = runner("1");
    becomes(&rig, "slow", "running").await;
    play_and_cancel(&rig, "").await;
    ended(running);
}
