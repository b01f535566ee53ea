//! Wrong tokens, other jobs' tokens, malformed and huge bodies, paths that lead elsewhere.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{ADMIN, Answer, READER, REGISTRATION, Rig};

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

/// `CI_JOB_TOKEN` of a payload.
fn read_token(job: &Value) -> String {
    let mut variables = job["variables"].as_array().unwrap().iter();
    let found = variables.find(|variable| variable["key"] == "CI_JOB_TOKEN");
    found.unwrap()["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_endpoint_refuses_every_token_but_its_own() {
    let rig = Rig::new().await;
    let runner = rig.register("").await;
    rig.pipeline(&["one", "two"], |_| {}).await;
    let one = rig.request(&runner, None).await.json();
    let two = rig.request(&runner, None).await.json();
    let job = format!("/jobs/{}", one["id"]);
    let (trace, artifacts) = (format!("{job}/trace"), format!("{job}/artifacts"));
    let tokens = [
        String::new(),
        "glcbt-nobody".into(),
        "\u{e9}\'; --".into(),
        "x".repeat(7000),
        runner.clone(),
        ADMIN.into(),
        REGISTRATION.into(),
        read_token(&one),
        read_token(&two),
        two["token"].as_str().unwrap().to_owned(),
    ];
    let state = json!({"state": "success"}).to_string();
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\nx\r\n--b--\r\n";
    for token in &tokens {
        let reports: [(Method, &str, &str, &str); 3] = [
            (Method::PUT, &job, "application/json", &state),
            (Method::PATCH, &trace, "text/plain", "x"),
            (
                Method::POST,
                &artifacts,
                "multipart/form-data; boundary=b",
                form,
            ),
        ];
        for (method, path, kind, body) in reports {
            let call = rig.call(method.clone(), &format!("/api/v4{path}"));
            let call = call
                .header("JOB-TOKEN", token.as_bytes())
                .header("content-type", kind);
            let call = call.header("content-range", "0-0").body(body.to_owned());
            let answer = Answer::of(call).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{method} {path} with {token:.20}"
            );
            assert!(!answer.text.contains(runner.as_str()));
        }
        if *token == runner || *token == REGISTRATION {
            continue;
        }
        let of_runners = [
            (Method::POST, "/jobs/request"),
            (Method::POST, "/runners/verify"),
            (Method::POST, "/runners/reset_authentication_token"),
            (Method::POST, "/runners"),
            (Method::DELETE, "/runners/managers"),
            (Method::DELETE, "/runners"),
        ];
        for (method, path) in of_runners {
            let body = json!({"token": token, "system_id": "s"}).to_string();
            let call = rig
                .call(method.clone(), &format!("/api/v4{path}"))
                .body(body);
            let answer = Answer::of(call).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{method} {path} with {token:.20}"
            );
        }
    }
    // Nothing of it had an effect.
    let alive = rig.put(&one, json!({"state": "running"})).await;
    assert_eq!(
        (alive.status, alive.header("job-status")),
        (StatusCode::OK, "running")
    );
    assert_eq!(rig.patch(&one, 0, b"x").await.status, StatusCode::ACCEPTED);
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
            .bearer_auth(ADMIN);
        let answer = call.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    for url in ["--upload-pack=x", "ext::sh -c id", "http://", ""] {
        let body = json!({"path": "g/n", "git_url": url}).to_string();
        let call = rig
            .call(Method::POST, "/api/v1/projects")
            .bearer_auth(ADMIN);
        let answer = call.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{url}");
    }
}
