//! Calls as a stock runner makes them, written by hand after the numbered scenes of runner-protocol-transcript, and what it relies on in
//! the answers.

use std::time::{Duration, Instant};

use aqueduct_coordinator::Config;
use aqueduct_core::plan::{Image, Service};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{REGISTRATION, Rig, info};

/// Transcript 1: by `register` with a token of its own, by `verify` and by `unregister`.
#[tokio::test]
async fn a_runner_registers_verifies_and_leaves() {
    let rig = Rig::new().await;
    let token = rig.register("docker,amd64").await;
    let verify = json!({"token": token, "system_id": "s_1", "info": info()});
    let header = ("Runner-Token", token.as_str());
    let verified = rig
        .v4(Method::POST, "/runners/verify", header, &verify)
        .await;
    assert_eq!(verified.status, StatusCode::OK);
    assert!(
        verified
            .header("content-type")
            .starts_with("application/json")
    );
    assert_eq!(verified.json()["token"], token.as_str());
    assert_eq!(verified.json()["token_expires_at"], Value::Null);
    let manager = json!({"token": token, "system_id": "s_1"});
    for expected in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        let left = rig
            .v4(Method::DELETE, "/runners/managers", header, &manager)
            .await;
        assert_eq!(left.status, expected);
    }
    let reset = rig
        .v4(
            Method::POST,
            "/runners/reset_authentication_token",
            header,
            &json!({"token": token}),
        )
        .await;
    assert_eq!(reset.status, StatusCode::CREATED);
    let old = rig
        .v4(Method::POST, "/runners/verify", header, &verify)
        .await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
    let new = reset.json()["token"].as_str().unwrap().to_owned();
    for expected in [StatusCode::NO_CONTENT, StatusCode::FORBIDDEN] {
        let left = rig
            .v4(
                Method::DELETE,
                "/runners",
                ("Runner-Token", &new),
                &json!({"token": new}),
            )
            .await;
        assert_eq!(left.status, expected);
    }
}

/// Transcript 2: a job that only runs `true`.
#[tokio::test]
async fn a_job_takes_four_calls() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    let id = rig.pipeline(&["job"], |_| {}).await;
    let handed = rig.request(&token, None).await;
    assert_eq!(handed.status, StatusCode::CREATED, "{}", handed.text);
    assert!(
        handed
            .header("content-type")
            .starts_with("application/json")
    );
    let job = handed.json();
    assert!(job.get("run").is_none(), "`run` is left out");
    assert_eq!(job["steps"][0]["name"], "script");
    assert!(
        job["git_info"]["refspecs"][0]
            .as_str()
            .unwrap()
            .contains("refs/pipelines/")
    );
    assert!(
        job.get("aqueduct").is_none(),
        "nothing that a stock runner doesn't know"
    );

    let running = rig
        .put(&job, json!({"state": "running", "output": {}}))
        .await;
    assert_eq!(
        (running.status, running.text.as_str()),
        (StatusCode::OK, "200")
    );
    assert_eq!(running.header("job-status"), "running");
    assert_eq!(running.header("x-gitlab-trace-update-interval"), "3");

    let trace = b"Running with gitlab-runner\ntrue\nJob succeeded\n";
    let patched = rig.patch(&job, 0, trace).await;
    assert_eq!(patched.status, StatusCode::ACCEPTED);
    assert_eq!(patched.header("range"), format!("0-{}", trace.len()));

    let output = json!({"checksum": "crc32:00000000", "bytesize": trace.len()});
    let ended = rig
        .put(&job, json!({"state": "success", "output": output}))
        .await;
    assert_eq!(
        (ended.status, ended.header("job-status")),
        (StatusCode::OK, "success")
    );
    let shown = rig
        .v1(Method::GET, &format!("/pipelines/{id}"))
        .await
        .json();
    assert_eq!(shown["status"], "success");
    let log = rig
        .v1(Method::GET, &format!("/jobs/{}/trace", job["id"]))
        .await;
    assert_eq!(log.text.as_bytes(), trace);
}

/// Transcript 3 and 4: a piece that begins elsewhere, a repeat, and an end before its trace.
#[tokio::test]
async fn a_trace_is_whole_whatever_the_network_did() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    rig.pipeline(&["job"], |_| {}).await;
    let job = rig.request(&token, None).await.json();
    assert_eq!(
        rig.patch(&job, 0, b"0123456789").await.status,
        StatusCode::ACCEPTED
    );
    let gap = rig.patch(&job, 15, b"xx").await;
    assert_eq!(gap.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(
        (gap.header("range"), gap.header("job-status")),
        ("0-10", "running")
    );
    assert_eq!(
        rig.patch(&job, 0, b"0123456789").await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(rig.patch(&job, 8, b"89ab").await.header("range"), "0-12");
    let behind = rig.patch(&job, 2, b"23").await;
    assert_eq!(
        behind.status,
        StatusCode::RANGE_NOT_SATISFIABLE,
        "more is stored"
    );
    let failed = |bytes: usize| {
        json!({"state": "failed", "failure_reason": "script_failure", "exit_code": 7,
            "output": {"bytesize": bytes}})
    };
    let early = rig.put(&job, failed(14)).await;
    assert_eq!(early.status, StatusCode::ACCEPTED);
    assert_eq!(early.header("x-gitlab-trace-update-interval"), "1");
    rig.patch(&job, 12, b"cd").await;
    for _ in 0..2 {
        let ended = rig.put(&job, failed(14)).await;
        assert_eq!(
            (ended.status, ended.header("job-status")),
            (StatusCode::OK, "failed")
        );
    }
    let late = rig.patch(&job, 14, b"ef").await;
    assert_eq!(
        (late.status, late.header("job-status")),
        (StatusCode::FORBIDDEN, "failed")
    );
    let missing = rig.call(Method::PATCH, &format!("/api/v4/jobs/{}/trace", job["id"]));
    let missing = missing.header("Job-Token", job["token"].as_str().unwrap());
    assert_eq!(
        missing.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

/// Transcript 5: no cursor is answered at once, one is held until there is a job.
#[tokio::test]
async fn a_poll_with_a_cursor_is_woken_by_the_job() {
    let rig = Rig::with(Config {
        poll: Duration::from_secs(20),
        ..Config::default()
    })
    .await;
    let token = rig.register("").await;
    let began = Instant::now();
    let first = rig.request(&token, None).await;
    assert_eq!(first.status, StatusCode::NO_CONTENT);
    assert!(began.elapsed() < Duration::from_secs(5));
    let cursor = first.header("x-gitlab-last-update").to_owned();
    assert!(!cursor.is_empty());
    let making = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        rig.pipeline(&["job"], |_| {}).await;
    };
    let (held, ()) = tokio::join!(rig.request(&token, Some(&cursor)), making);
    assert_eq!(held.status, StatusCode::CREATED);
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "woken, not timed out"
    );
}

/// Runner-protocol 7: a cancel is told with the next call; a forced one ends the job.
#[tokio::test]
async fn cancels_reach_the_runner() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    rig.pipeline(&["soft", "hard"], |_| {}).await;
    let soft = rig.request(&token, None).await.json();
    let hard = rig.request(&token, None).await.json();
    for job in [&soft, &hard] {
        rig.put(job, json!({"state": "running", "output": {}}))
            .await;
    }
    let cancel = format!("/jobs/{}/cancel", soft["id"]);
    assert_eq!(
        rig.v1(Method::POST, &cancel).await.status,
        StatusCode::ACCEPTED
    );
    let told = rig.patch(&soft, 0, b"still here").await;
    assert_eq!(
        (told.status, told.header("job-status")),
        (StatusCode::ACCEPTED, "canceling")
    );
    let ended = rig
        .put(
            &soft,
            json!({"state": "failed", "failure_reason": "job_canceled", "output": {}}),
        )
        .await;
    assert_eq!(
        (ended.status, ended.header("job-status")),
        (StatusCode::OK, "canceled")
    );

    let cancel = format!("/jobs/{}/cancel?force=true", hard["id"]);
    assert_eq!(
        rig.v1(Method::POST, &cancel).await.status,
        StatusCode::ACCEPTED
    );
    let told = rig
        .put(&hard, json!({"state": "running", "output": {}}))
        .await;
    assert_eq!(
        (told.status, told.header("job-status")),
        (StatusCode::FORBIDDEN, "canceled")
    );
}

/// Tags decide who gets a job, as in GitLab, and a job that waits says why. What a runner's executor knows nothing of it is told
/// all the same: a shell runner ignores the image and the services.
#[tokio::test]
async fn tags_decide_who_gets_a_job() {
    let rig = Rig::new().await;
    let plain = rig.register("").await;
    let tagged = rig.register("gpu").await;
    let image = |name: &str| Image {
        name: name.into(),
        ..Image::default()
    };
    let id = rig
        .pipeline(&["image", "gpu"], |plan| {
            let job = &mut plan.jobs[0];
            job.image = Some(image("alpine"));
            job.services = vec![Service {
                image: image("postgres:16"),
                aliases: vec!["db".into()],
                ..Service::default()
            }];
            job.unsupported = vec!["services (.gitlab-ci.yml:3:3)".into()];
            plan.jobs[1].tags = vec!["gpu".into()];
        })
        .await;
    let job = rig.request(&plain, None).await.json();
    assert_eq!(job["image"]["name"], "alpine");
    assert_eq!(job["services"][0]["name"], "postgres:16");
    assert_eq!(job["services"][0]["alias"], "db");
    assert_eq!(
        rig.request(&plain, None).await.status,
        StatusCode::NO_CONTENT
    );
    let jobs = rig
        .v1(Method::GET, &format!("/pipelines/{id}/jobs"))
        .await
        .json();
    let why = jobs[1]["waiting"].as_str().unwrap();
    assert!(why.contains("gpu"), "{why}");
    let got = rig.request(&tagged, None).await;
    assert_eq!(got.json()["job_info"]["name"], "gpu");
}

/// A runner's own limit shortens a job, and keeps it from none.
#[tokio::test]
async fn a_runner_s_timeout_caps_the_job_s() {
    let rig = Rig::new().await;
    let body = json!({"token": REGISTRATION, "maximum_timeout": 600, "info": info()});
    let header = ("Runner-Token", REGISTRATION);
    let made = rig.v4(Method::POST, "/runners", header, &body).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    rig.pipeline(&["long"], |_| {}).await;
    let job = rig.request(&token, None).await.json();
    assert_eq!(job["runner_info"]["timeout"], 600);
    let variables = job["variables"].as_array().unwrap();
    let told = variables.iter().find(|one| one["key"] == "CI_JOB_TIMEOUT");
    assert_eq!(told.unwrap()["value"], "600");
}

/// A stock runner leaves it to the server to say who it is.
#[tokio::test]
async fn a_job_learns_which_runner_has_it() {
    let rig = Rig::new().await;
    let token = rig.register("docker,amd64").await;
    rig.pipeline(&["job"], |plan| plan.jobs[0].tags = vec!["docker".into()])
        .await;
    let job = rig.request(&token, None).await.json();
    let value = |key: &str| {
        let all = job["variables"].as_array().unwrap().iter();
        let last = all.rev().find(|variable| variable["key"] == key);
        last.unwrap_or_else(|| panic!("no {key}"))["value"].clone()
    };
    assert_eq!(value("CI_RUNNER_ID"), "1");
    assert_eq!(value("CI_RUNNER_TAGS"), r#"["docker","amd64"]"#);
    assert_eq!(
        value("CI_RUNNER_DESCRIPTION"),
        job["runner_info"]["uuid"],
        "the name that people gave it"
    );
    let short = value("CI_RUNNER_SHORT_TOKEN");
    let short = short.as_str().unwrap();
    assert_eq!(short.len(), 9);
    assert!(token.contains(short) && !short.contains('-'));
}
