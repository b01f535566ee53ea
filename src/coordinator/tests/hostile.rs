//! Wrong tokens, other jobs' tokens, malformed and huge bodies, paths that lead elsewhere.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::rig::{READER, Rig};

#[tokio::test]
async fn no_token_opens_what_it_is_not_for() {
    let rig = Rig::new().await;
    let runner = rig.register("").await;
    rig.pipeline(&["one", "two"], |_| {}).await;
    let one = rig.request(&runner, None).await.json();
    let mut two = rig.request(&runner, None).await.json();
    two["token"] = one["token"].clone();
    assert_eq!(rig.patch(&two, 0, b"x").await.status, StatusCode::FORBIDDEN);
    for token in ["", "glcbt-none", &runner] {
        two["token"] = token.into();
        let answer = rig.put(&two, json!({"state": "running"})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token}");
    }
    two["id"] = 999_999.into();
    let unknown = rig.put(&two, json!({"state": "running"})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let request = rig.request(one["token"].as_str().unwrap(), None).await;
    assert_eq!(request.status, StatusCode::FORBIDDEN);

    for (token, method, expected) in [
        ("", Method::GET, StatusCode::UNAUTHORIZED),
        (runner.as_str(), Method::GET, StatusCode::UNAUTHORIZED),
        (READER, Method::GET, StatusCode::OK),
        (READER, Method::POST, StatusCode::FORBIDDEN),
    ] {
        let call = rig.call(method, "/api/v1/projects").bearer_auth(token);
        let status = call.body("{}").send().await.unwrap().status();
        assert_eq!(status, expected, "{token}");
    }
}

#[tokio::test]
async fn broken_requests_are_answered_in_words() {
    let rig = Rig::new().await;
    for body in ["", "{", "\u{0}", r#"{"token": 5}"#] {
        let call = rig.call(Method::POST, "/api/v4/jobs/request").body(body);
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text().await.unwrap().contains("message"));
    }
    let huge = rig
        .call(Method::POST, "/api/v4/jobs/request")
        .body("x".repeat(2 << 20));
    assert_eq!(
        huge.send().await.unwrap().status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    for path in [
        "/nothing",
        "/api/v4/jobs/abc",
        "/api/v4/jobs/-1/trace",
        "/group/name.git/config",
        "/..%2f..%2fetc/passwd.git/info/refs?service=git-upload-pack",
    ] {
        let answer = rig.call(Method::GET, path).send().await.unwrap();
        assert!(
            answer.status().is_client_error(),
            "{path}: {}",
            answer.status()
        );
    }
    for path in ["nogroup", "g/../h", "g/n.git", "-g/n", "g/ü"] {
        let body = json!({"path": path, "git_url": "/repository"}).to_string();
        let call = rig
            .call(Method::POST, "/api/v1/projects")
            .bearer_auth(crate::rig::ADMIN);
        let answer = call.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    for url in ["--upload-pack=x", "ext::sh -c id", "http://", ""] {
        let body = json!({"path": "g/n", "git_url": url}).to_string();
        let call = rig
            .call(Method::POST, "/api/v1/projects")
            .bearer_auth(crate::rig::ADMIN);
        let answer = call.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{url}");
    }
}
