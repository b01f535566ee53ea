//! Webhooks over sockets: signed, unsigned, wrongly signed, repeated, huge, malformed.

use std::time::Duration;

use aqueduct_core::id::ProjectId;
use aqueduct_ports::store::{NewDelivery, Put};
use aqueduct_testkit::origin::Origin;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use crate::rig::{ADMIN, Answer, Rig};

/// A project that is looked at once an hour, and the secret of its webhooks.
struct Hooked {
    rig: Rig,
    origin: Origin,
    id: u64,
    secret: String,
    _dir: TempDir,
}

fn push() -> Vec<u8> {
    let (before, after) = ("1".repeat(40), "2".repeat(40));
    json!({"ref": "refs/heads/main", "before": before, "after": after})
        .to_string()
        .into_bytes()
}

impl Hooked {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let dir = tempfile::tempdir().unwrap();
        let origin = Origin::new(dir.path()).unwrap();
        let body = json!({"path": "g/app", "git_url": origin.path(), "interval_ms": 3_600_000});
        let call = rig.call(Method::POST, "/api/v1/projects").json(&body);
        let made = Answer::of(call.bearer_auth(ADMIN)).await.json();
        Self {
            rig,
            origin,
            id: made["id"].as_u64().unwrap(),
            secret: made["webhook_secret"].as_str().unwrap().to_owned(),
            _dir: dir,
        }
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let call = self.rig.call(Method::POST, path).body(body);
        let call = headers
            .iter()
            .fold(call, |call, (name, value)| call.header(*name, *value));
        Answer::of(call).await
    }

    /// As Gitea does.
    async fn signed(&self, project: &str, delivery: &str, event: &str, body: Vec<u8>) -> Answer {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(&body);
        let signature = hex::encode(mac.finalize().into_bytes());
        let headers = [
            ("x-gitea-signature", signature.as_str()),
            ("x-gitea-delivery", delivery),
            ("x-gitea-event", event),
        ];
        self.send(&format!("/hooks/gitea/{project}"), &headers, body)
            .await
    }

    async fn watch(&self) -> Value {
        let path = format!("/projects/{}", self.id);
        self.rig.v1(Method::GET, &path).await.json()["watch"].clone()
    }

    async fn pipelines(&self) -> usize {
        let path = format!("/pipelines?project={}", self.id);
        let listed = self.rig.v1(Method::GET, &path).await;
        listed.json().as_array().unwrap().len()
    }
}

/// Waits at most ten seconds, a fraction of the interval.
async fn until<F: Future<Output = bool>>(what: impl Fn() -> F) {
    for _ in 0..1000 {
        if what().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come about");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_push_becomes_a_pipeline_long_before_the_interval_and_a_repeat_none() {
    let hooked = Hooked::new().await;
    until(async || hooked.watch().await["answered_at"] != Value::Null).await;
    let config = "job: {script: make}\n";
    hooked
        .origin
        .push(".gitlab-ci.yml", config, "refs/heads/main")
        .unwrap();
    let id = hooked.id.to_string();
    let first = hooked.signed(&id, "d-1", "push", push()).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    until(async || hooked.pipelines().await == 1).await;
    for path in ["g/app", "g%2Fapp"] {
        let again = hooked.signed(path, "d-1", "push", push()).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.text);
        assert!(again.text.contains("known"), "{}", again.text);
    }
    // Another word about the same push: another look, no other pipeline.
    let other = hooked.signed(&id, "d-2", "push", push()).await;
    assert_eq!(other.status, StatusCode::ACCEPTED);
    let store = hooked.rig.fleet.store();
    until(async || store.next_delivery_at().await.unwrap().is_none()).await;
    assert_eq!(hooked.pipelines().await, 1);
    let kept = NewDelivery {
        project: ProjectId(hooked.id),
        source: "gitea".into(),
        delivery: "d-1".into(),
        kind: String::new(),
        body: Vec::new().into(),
        received: aqueduct_core::time::Timestamp(0),
    };
    assert_eq!(store.put_delivery(&kept).await.unwrap(), Put::Duplicate);
}

#[tokio::test]
async fn what_is_not_signed_with_the_secret_is_refused() {
    let hooked = Hooked::new().await;
    let path = format!("/hooks/gitlab/{}", hooked.id);
    let gitea = format!("/hooks/gitea/{}", hooked.id);
    let github = format!("/hooks/github/{}", hooked.id);
    let zeros = "0".repeat(64);
    let table = [
        (&path, None, StatusCode::UNAUTHORIZED),
        (
            &path,
            Some(("x-gitlab-token", "guess")),
            StatusCode::FORBIDDEN,
        ),
        (
            &gitea,
            Some(("x-gitea-signature", zeros.as_str())),
            StatusCode::FORBIDDEN,
        ),
        (
            &gitea,
            Some(("x-gitea-signature", "zz")),
            StatusCode::FORBIDDEN,
        ),
        (
            &github,
            Some(("x-gitea-signature", &zeros)),
            StatusCode::UNAUTHORIZED,
        ),
    ];
    for (path, header, expected) in table {
        let headers: Vec<_> = header.into_iter().collect();
        let answer = hooked.send(path, &headers, push()).await;
        assert_eq!(answer.status, expected, "{path} {header:?}");
        assert!(answer.json()["message"].is_string());
        assert!(!answer.text.contains(&hooked.secret));
    }
    let unknown = [
        ("/hooks/gitea/999", "project"),
        ("/hooks/gitea/g/none", "project"),
        ("/hooks/gitea/..%2f..%2fetc", "project"),
        ("/hooks/svn/1", "github"),
    ];
    for (path, word) in unknown {
        let answer = hooked.send(path, &[], push()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains(word), "{}", answer.text);
    }
    // A project of the time before there were secrets.
    let token = [("x-gitlab-token", "")];
    let bare = hooked.send("/hooks/gitlab/1", &token, push()).await;
    assert_eq!(bare.status, StatusCode::FORBIDDEN);
    assert!(bare.text.contains("webhook-secret"), "{}", bare.text);
    let store = hooked.rig.fleet.store();
    assert_eq!(store.next_delivery_at().await.unwrap(), None);
}

#[tokio::test]
async fn malformed_and_huge_bodies_are_answered_in_words() {
    let hooked = Hooked::new().await;
    let id = hooked.id.to_string();
    let huge = vec![b'x'; (25 << 20) + 1];
    for (body, event, expected) in [
        (b"{".to_vec(), "push", StatusCode::BAD_REQUEST),
        (b"\xff\0".to_vec(), "push", StatusCode::BAD_REQUEST),
        (b"{\"ref\": 5}".to_vec(), "create", StatusCode::BAD_REQUEST),
        (push(), "", StatusCode::BAD_REQUEST),
        (huge, "push", StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = hooked.signed(&id, "m", event, body).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
        assert!(answer.json()["message"].is_string());
    }
    let long = hooked.signed(&id, &"x".repeat(300), "push", push()).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    // As long as GitHub's longest, and signed.
    let mut padded = push();
    padded.resize(25 << 20, b' ');
    let longest = hooked.signed(&id, "long", "push", padded).await;
    assert_eq!(longest.status, StatusCode::ACCEPTED, "{}", longest.text);
}

#[tokio::test]
async fn what_makes_no_pipeline_is_answered_and_not_stored() {
    let hooked = Hooked::new().await;
    let id = hooked.id.to_string();
    for (event, word) in [
        ("pull_request", "not yet supported"),
        ("fork", "not yet supported"),
        ("ping", "pong"),
        ("star", "star"),
    ] {
        let answer = hooked.signed(&id, "n", event, b"{}".to_vec()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.contains(word), "{}", answer.text);
    }
    let store = hooked.rig.fleet.store();
    assert_eq!(store.next_delivery_at().await.unwrap(), None);
}

#[tokio::test]
async fn a_secret_is_told_once_and_can_be_replaced() {
    let mut hooked = Hooked::new().await;
    let path = format!("/projects/{}", hooked.id);
    for path in [path.as_str(), "/projects"] {
        let shown = hooked.rig.v1(Method::GET, path).await;
        assert!(!shown.text.contains("secret"), "{}", shown.text);
    }
    let id = hooked.id.to_string();
    for (asked, expected) in [
        (json!({}), StatusCode::OK),
        (
            json!({"webhook_secret": "a-secret-of-mine"}),
            StatusCode::OK,
        ),
        (json!({"webhook_secret": "short"}), StatusCode::BAD_REQUEST),
    ] {
        let url = format!("/api/v1{path}/webhook-secret");
        let call = hooked.rig.call(Method::POST, &url).json(&asked);
        let answer = Answer::of(call.bearer_auth(ADMIN)).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
        if expected == StatusCode::OK {
            let before = hooked.signed(&id, "r", "push", push()).await;
            assert_eq!(before.status, StatusCode::FORBIDDEN);
            let made = answer.json();
            made["webhook_secret"]
                .as_str()
                .unwrap()
                .clone_into(&mut hooked.secret);
        }
        let now = hooked.signed(&id, "r", "ping", push()).await;
        assert_eq!(now.status, StatusCode::OK, "{}", now.text);
    }
}
