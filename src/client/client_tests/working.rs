//! Trace, signs of life and the end of a job.

use aqueduct_core::{
    api::runner::Output,
    time::Millis,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::work::{Assignment, Directive, JobEnd, Report, WorkError, WorkSource as _};
use bytes::Bytes;
use serde_json::json;

use super::{Call, Reply, Server, job, offer, source, usual};
use crate::HttpWorkSource;

async fn leased(server: &Server) -> (HttpWorkSource, Assignment) {
    let source = source(server);
    let assignment = source.lease(&offer()).await.unwrap().unwrap();
    (source, assignment)
}

/// As usual, but for what `other` answers.
async fn serve(other: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::start(move |call| other(call).unwrap_or_else(|| usual(call))).await
}

fn end(verdict: Option<Verdict>, trace_bytes: u64) -> Report {
    Report::Finished(JobEnd {
        exit_code: verdict.as_ref().and_then(|verdict| verdict.exit_code),
        verdict,
        dotenv: Vec::new(),
        trace_bytes,
        has_artifacts: false,
        coverage: Some("88".into()),
        release: None,
    })
}

#[tokio::test]
async fn a_trace_goes_in_pieces_and_its_checksum_at_the_end() {
    let server = Server::start(usual).await;
    let (source, job) = leased(&server).await;
    let lease = &job.lease;
    for (offset, text) in [(0, "hello "), (6, "world"), (6, "world")] {
        let stored = source.append_trace(lease, offset, Bytes::from(text)).await;
        assert_eq!(stored.unwrap(), 11.min(offset + text.len() as u64));
    }
    source.report(lease, end(None, 11)).await.unwrap();
    let pieces = server.calls("PATCH");
    let ranges: Vec<&str> = pieces
        .iter()
        .map(|call| call.header("content-range"))
        .collect();
    assert_eq!(ranges, ["0-5", "6-10", "6-10"]);
    assert_eq!(pieces[0].query, "debug_trace=false");
    assert_eq!(pieces[0].header("content-type"), "text/plain");
    let last = server.calls("PUT").pop().unwrap().json();
    let output = serde_json::to_value(Output::new(crc32fast::hash(b"hello world"), 11)).unwrap();
    assert_eq!(
        (&last["state"], &last["output"]),
        (&json!("success"), &output)
    );
    assert_eq!(last["checksum"], output["checksum"]);
    // It has not said that it reads what is ours.
    assert!(last.get("aqueduct").is_none() && last.get("failure_reason").is_none());
    // The lease is over.
    let again = source.renew(lease).await;
    assert!(matches!(again, Err(WorkError::Stale)));
}

#[tokio::test]
async fn what_the_server_has_decides_where_to_go_on() {
    let server = serve(|call| match (call.method.as_str(), call.number) {
        ("PATCH", 0) => Some(Reply::status(416).header("range", "0-20")),
        ("PATCH", 1) => Some(Reply::status(416)),
        ("PATCH", 2) => Some(Reply::status(500)),
        _ => None,
    })
    .await;
    let (source, job) = leased(&server).await;
    let text = || Bytes::from("0123456789");
    let append = |offset| source.append_trace(&job.lease, offset, text());
    assert_eq!(append(1596).await.unwrap(), 20);
    assert_eq!(append(20).await.unwrap(), 0);
    assert_eq!(append(0).await.unwrap(), 10);
    assert_eq!(server.calls("PATCH").len(), 4);
}

#[tokio::test]
async fn a_final_update_is_repeated_until_the_server_is_done() {
    let server = serve(|call| match (call.method.as_str(), call.number) {
        ("PUT", 1) => Some(Reply::status(202).header("x-gitlab-trace-update-interval", "1")),
        ("PUT", 2) => Some(Reply::status(202).header("range", "0-3")),
        ("PUT", 3) => Some(Reply::status(412)),
        ("PUT", 4) => Some(Reply::status(409)),
        _ => None,
    })
    .await;
    let (source, job) = leased(&server).await;
    let verdict = Verdict::exit(7);
    let report = || source.report(&job.lease, end(Some(verdict.clone()), 9));
    let incomplete = |stored| move |error: &WorkError| matches!(error, WorkError::TraceIncomplete { stored: found } if *found == stored);
    assert!(incomplete(3)(&report().await.unwrap_err()));
    assert!(incomplete(0)(&report().await.unwrap_err()));
    assert!(matches!(report().await, Err(WorkError::Unavailable(_))));
    report().await.unwrap();
    let last = server.calls("PUT").pop().unwrap().json();
    assert_eq!(last["failure_reason"], "script_failure");
    assert_eq!(last["exit_code"], 7);
}

#[tokio::test]
async fn reasons_are_those_that_the_server_lists() {
    for (kind, reason) in [
        (VerdictKind::Canceled, "job_canceled"),
        (VerdictKind::ImagePull, "runner_system_failure"),
        (VerdictKind::ConfigInvalid, "script_failure"),
    ] {
        let server = Server::start(usual).await;
        let (source, job) = leased(&server).await;
        let report = end(Some(Verdict::new(kind, "why")), 0);
        source.report(&job.lease, report).await.unwrap();
        let last = server.calls("PUT").pop().unwrap().json();
        assert_eq!(last["failure_reason"], reason);
    }
}

#[tokio::test]
async fn our_coordinator_hears_the_whole_verdict() {
    let server = serve(|call| {
        let mut payload = job();
        payload["aqueduct"] =
            json!({"version": 1, "lease_time_ms": 90_000, "attempt": 2, "kind": "script"});
        (call.method == "POST").then(|| Reply::json(201, &payload))
    })
    .await;
    let (source, job) = leased(&server).await;
    assert_eq!(job.lease.key.attempt, 2);
    assert_eq!(job.lease_time, Millis::from_secs(15));
    let verdict = Verdict::new(VerdictKind::ScriptOom, "2 GiB of 1 GiB");
    let report = end(Some(verdict.clone()), 0);
    source.report(&job.lease, report).await.unwrap();
    let last = server.calls("PUT").pop().unwrap().json();
    let told: Verdict = serde_json::from_value(last["aqueduct"]["verdict"].clone()).unwrap();
    assert_eq!(
        (told, &last["aqueduct"]["coverage"]),
        (verdict, &json!("88"))
    );
}

#[tokio::test]
async fn a_cancel_is_heard_of_any_answer_and_once_more_when_it_gets_harder() {
    let server = serve(|call| match (call.method.as_str(), call.number) {
        ("PATCH", 0) => Some(Reply::status(202).header("job-status", "canceling")),
        ("PATCH", 1) => Some(Reply::status(202).header("job-status", "canceled")),
        _ => None,
    })
    .await;
    let (source, job) = leased(&server).await;
    for grace in [Millis(10_000), Millis(0)] {
        source
            .append_trace(&job.lease, 0, Bytes::from("x"))
            .await
            .unwrap();
        assert_eq!(
            source.canceled(&job.lease).await,
            Directive::Cancel { grace }
        );
        assert_eq!(
            source.renew(&job.lease).await.unwrap(),
            Directive::Cancel { grace }
        );
    }
    let third = source.canceled(&job.lease);
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), third).await;
    assert!(waited.is_err());
}

#[tokio::test]
async fn a_refused_token_ends_the_lease() {
    for status in [403, 404] {
        let server =
            serve(move |call| (call.method == "PATCH").then(|| Reply::status(status))).await;
        let (source, job) = leased(&server).await;
        let appended = source.append_trace(&job.lease, 0, Bytes::from("x")).await;
        assert!(matches!(appended, Err(WorkError::Stale)));
        let grace = Millis(0);
        assert_eq!(
            source.canceled(&job.lease).await,
            Directive::Cancel { grace }
        );
        let told = source.report(&job.lease, end(None, 0)).await;
        assert!(matches!(told, Err(WorkError::Stale)));
        assert_eq!(server.calls("PUT").len(), 1);
    }
}

#[tokio::test]
async fn the_server_says_how_often_it_wants_the_trace() {
    let server = serve(|call| {
        let answer = || Reply::status(200).header("x-gitlab-trace-update-interval", "9");
        (call.method == "PUT").then(answer)
    })
    .await;
    let (source, job) = leased(&server).await;
    assert_eq!(source.trace_pause(&job.lease).as_secs(), 9);
}
