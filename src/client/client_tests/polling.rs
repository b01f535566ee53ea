//! Asking for jobs, and taking them.

use std::time::{Duration, Instant};

use aqueduct_core::{
    api::runner::Secret,
    id::{AttemptKey, JobId, PipelineId},
    time::Millis,
};
use aqueduct_ports::work::{Sources, WorkError, WorkSource as _};
use serde_json::json;

use super::{Reply, Server, job, offer, source, usual};

#[tokio::test]
async fn a_job_is_confirmed_at_once_and_needs_nothing_of_ours() {
    let server = Server::start(usual).await;
    let assignment = source(&server).lease(&offer()).await.unwrap().unwrap();
    let key = AttemptKey {
        pipeline: PipelineId(77),
        job: JobId(1001),
        attempt: 1,
    };
    assert_eq!(assignment.lease.key, key);
    assert_eq!(assignment.executor, "host");
    assert_eq!(assignment.lease_time, Millis::from_secs(90));
    assert_eq!(assignment.dependencies[0].base, "build");
    let Sources::Git(git) = &assignment.sources else {
        panic!("{assignment:?}");
    };
    assert_eq!((git.depth, git.fetch), (20, false));
    // Whatever the server says of masking, no token of the job's shows in its trace.
    let masks: Vec<&str> = assignment.masks.iter().map(Secret::expose).collect();
    assert_eq!(masks, ["glcbt-EXAMPLE", "glcbt-DEP", "glcbt-READ"]);
    for token in ["glcbt-EXAMPLE", "glcbt-DEP", "glcbt-READ"] {
        assert!(!format!("{assignment:?}").contains(token), "{token} shows");
    }

    let asked = &server.calls("POST")[0];
    assert_eq!(asked.header("runner-token"), "glrt-runner");
    assert_eq!(asked.header("x-request-id").len(), 32);
    let body = asked.json();
    assert_eq!(
        (&body["token"], &body["system_id"]),
        (&json!("glrt-runner"), &json!("r_0123456789ab"))
    );
    assert_eq!(body["aqueduct"]["instance"], "one");
    assert!(body.get("last_update").is_none());
    let confirmed = &server.calls("PUT")[0];
    assert_eq!(confirmed.path, "/api/v4/jobs/1001");
    assert_eq!(confirmed.header("job-token"), "glcbt-EXAMPLE");
    assert_eq!(confirmed.json()["state"], "running");
    assert_eq!(confirmed.json()["output"], json!({}));
}

#[tokio::test]
async fn a_moved_cursor_is_sent_back_at_once_and_an_unmoved_one_after_three_seconds() {
    let server = Server::start(|call| match call.number {
        0 | 1 => Reply::status(204).header("x-gitlab-last-update", "7"),
        _ => usual(&super::Call {
            number: 0,
            ..call.clone()
        }),
    })
    .await;
    let begun = Instant::now();
    source(&server).lease(&offer()).await.unwrap().unwrap();
    let asked = server.calls("POST");
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[1].json()["last_update"], "7");
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(2900) && took < Duration::from_secs(5),
        "{took:?}"
    );
}

#[tokio::test]
async fn trouble_of_the_server_is_tried_again_and_a_refusal_is_told() {
    let server = Server::start(|call| match (call.method.as_str(), call.number) {
        ("POST", 0..=2) => Reply::status(503),
        ("POST", 3) => Reply::status(429).header("retry-after", "1"),
        ("POST", _) => Reply::json(201, &job()),
        _ => Reply::status(200),
    })
    .await;
    let begun = Instant::now();
    source(&server).lease(&offer()).await.unwrap().unwrap();
    assert_eq!(server.calls("POST").len(), 5);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let refusing = Server::start(|_| Reply::json(403, &json!({"message": "403 Forbidden"}))).await;
    let error = source(&refusing).lease(&offer()).await.unwrap_err();
    let expected = "this runner's token is not valid: the server says 403 (403 Forbidden)";
    assert!(matches!(error, WorkError::Unavailable(_)));
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[tokio::test]
async fn a_job_that_somebody_else_has_is_left_to_them() {
    for status in [409, 403, 404] {
        let server = Server::start(move |call| match (call.method.as_str(), call.number) {
            ("POST", 0 | 1) => Reply::json(201, &job()),
            ("PUT", 0) => Reply::status(status),
            _ => Reply::status(200),
        })
        .await;
        source(&server).lease(&offer()).await.unwrap().unwrap();
        assert_eq!(server.calls("POST").len(), 2, "{status}");
    }
}

#[tokio::test]
async fn what_can_t_be_read_or_done_becomes_a_job_that_fails_with_that() {
    for (key, value, words) in [
        ("id", json!(1001), None),
        (
            "runner_info",
            json!({"timeout": "long"}),
            Some("can't be read"),
        ),
        ("run", json!("[{}]"), Some("does not know `run`")),
        ("services", json!([{"name": "postgres"}]), Some("services")),
    ] {
        let mut payload = job();
        payload[key] = value;
        let server = Server::start(move |call| match call.method.as_str() {
            "POST" => Reply::json(201, &payload),
            _ => Reply::status(200),
        })
        .await;
        let assignment = source(&server).lease(&offer()).await.unwrap().unwrap();
        let unsupported = assignment.job.unsupported;
        assert_eq!(unsupported.len(), usize::from(words.is_some()), "{key}");
        if let Some(words) = words {
            assert!(unsupported[0].contains(words), "{unsupported:?}");
        }
    }
}
