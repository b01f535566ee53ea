//! Numbers for Prometheus, and ids of requests.

use reqwest::Method;
use serde_json::json;

use crate::rig::{Answer, Rig};

#[tokio::test]
async fn numbers_follow_a_job_from_the_line_to_its_end() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    rig.pipeline(&["first", "second"], |_| {}).await;
    let waiting = numbers(&rig).await;
    assert!(waiting.contains("\naqueduct_jobs_waiting 2\n"), "{waiting}");
    assert!(
        waiting
            .contains("\naqueduct_jobs_ended_total{status=\"failed\",verdict=\"script.exit\"} 0\n"),
        "a verdict that never was is told as well: {waiting}"
    );
    let job = rig.request(&token, None).await.json();
    rig.patch(&job, 0, b"four").await;
    let held = numbers(&rig).await;
    for line in [
        "aqueduct_jobs_waiting 1",
        "aqueduct_jobs_held 1",
        "aqueduct_attempts_claimed_total 1",
        "aqueduct_trace_bytes_total 4",
        "aqueduct_job_wait_seconds_count 1",
        "aqueduct_job_wait_seconds_bucket{le=\"+Inf\"} 1",
    ] {
        assert!(held.contains(&format!("\n{line}\n")), "{line} in {held}");
    }
    rig.put(&job, json!({"state": "success"})).await;
    let ended = numbers(&rig).await;
    let success = "aqueduct_jobs_ended_total{status=\"success\",verdict=\"\"} 1";
    assert!(ended.contains(&format!("\n{success}\n")), "{ended}");
    let asked = "aqueduct_http_request_duration_seconds_count{method=\"POST\",route=\"/api/v4/jobs/request\",status=\"201\"} 1";
    assert!(ended.contains(&format!("\n{asked}\n")), "{ended}");
}

#[tokio::test]
async fn methods_that_somebody_made_up_are_counted_as_one() {
    let rig = Rig::new().await;
    for name in ["AAAA", "AAAB", "PROPFIND"] {
        let method = Method::from_bytes(name.as_bytes()).unwrap();
        for path in ["/healthz", "/nothing"] {
            Answer::of(rig.call(method.clone(), path)).await;
        }
    }
    let numbers = numbers(&rig).await;
    assert!(!numbers.contains("AAA"), "{numbers}");
    let other = "aqueduct_http_request_duration_seconds_count{method=\"other\",route=\"/healthz\",status=\"405\"} 3";
    assert!(numbers.contains(&format!("\n{other}\n")), "{numbers}");
}

#[tokio::test]
async fn an_answer_bears_the_id_of_its_request() {
    let rig = Rig::new().await;
    let asked = rig
        .call(Method::GET, "/healthz")
        .header("x-request-id", "of-a-proxy.1");
    assert_eq!(
        Answer::of(asked).await.header("x-request-id"),
        "of-a-proxy.1"
    );
    let own = Answer::of(rig.call(Method::GET, "/healthz")).await;
    assert_eq!(own.header("x-request-id").len(), 16, "{own:?}");
}

async fn numbers(rig: &Rig) -> String {
    let answer = Answer::of(rig.call(Method::GET, "/metrics")).await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    answer.text
}
