//! Uploads and downloads (runner-protocol 5).

use std::io::Write as _;

use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::rig::{Answer, Rig};

async fn upload(rig: &Rig, job: &Value, query: &str, name: &str, bytes: Vec<u8>) -> Answer {
    let path = format!("/api/v4/jobs/{}/artifacts?{query}", job["id"]);
    let part = Part::bytes(bytes).file_name(name.to_owned());
    let request = rig
        .call(Method::POST, &path)
        .header("Job-Token", job["token"].as_str().unwrap())
        .multipart(Form::new().part("file", part));
    Answer::of(request).await
}

async fn download(rig: &Rig, id: &Value, token: &str, range: Option<&str>) -> reqwest::Response {
    let path = format!("/api/v4/jobs/{id}/artifacts?direct_download=true");
    let mut request = rig.call(Method::GET, &path).header("Job-Token", token);
    if let Some(range) = range {
        request = request.header("Range", range);
    }
    request.send().await.unwrap()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

/// An archive and a dotenv report reach the job that needs them.
#[tokio::test]
async fn what_a_job_leaves_reaches_the_next() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    rig.pipeline(&["build", "use"], |plan| {
        plan.jobs[1].needs = Some(vec![aqueduct_core::plan::Need {
            job: "build".into(),
            artifacts: true,
            optional: false,
        }]);
        plan.jobs[1].artifacts_from = ["build".to_owned()].into();
    })
    .await;
    let build = rig.request(&token, None).await.json();
    let archive: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let query = "artifact_format=zip&artifact_type=archive&expire_in=1+week";
    for bytes in [vec![1, 2, 3], archive.clone()] {
        let stored = upload(&rig, &build, query, "default.zip", bytes).await;
        assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text);
    }
    let query = "artifact_format=gzip&artifact_type=dotenv";
    let report = upload(&rig, &build, query, ".env.gz", gzip("VERSION=1.2.3\n")).await;
    assert_eq!(report.status, StatusCode::CREATED, "{}", report.text);
    rig.put(&build, json!({"state": "success", "output": {}}))
        .await;

    let user = rig.request(&token, None).await.json();
    let dependency = &user["dependencies"][0];
    assert_eq!(dependency["id"], build["id"]);
    assert_eq!(dependency["artifacts_file"]["size"], archive.len());
    let version = user["variables"].as_array().unwrap().iter();
    let version = version.rev().find(|variable| variable["key"] == "VERSION");
    assert_eq!(version.unwrap()["value"], "1.2.3");

    let read = dependency["token"].as_str().unwrap();
    let whole = download(&rig, &build["id"], read, None).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.bytes().await.unwrap(), archive);
    let part = download(&rig, &build["id"], read, Some("bytes=5-9")).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), archive[5..10]);
    let missing = download(&rig, &user["id"], read, None).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

/// A report that holds no variables fails its job's upload, in words.
#[tokio::test]
async fn a_bad_dotenv_report_is_refused() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    rig.pipeline(&["job"], |_| {}).await;
    let job = rig.request(&token, None).await.json();
    let query = "artifact_format=gzip&artifact_type=dotenv";
    for (bytes, word) in [
        (gzip("no equals sign\n"), "KEY=value"),
        (gzip(&"A=1\n".repeat(2000)), "longer than"),
        (b"not gzip".to_vec(), "unpacked"),
    ] {
        let refused = upload(&rig, &job, query, ".env.gz", bytes).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
}

/// Scripts see the read token: it opens downloads, and changes nothing.
#[tokio::test]
async fn the_read_token_can_only_read() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    rig.pipeline(&["job"], |_| {}).await;
    let mut job = rig.request(&token, None).await.json();
    let variables = job["variables"].as_array().unwrap();
    let read = variables
        .iter()
        .find(|variable| variable["key"] == "CI_JOB_TOKEN");
    let read = read.unwrap().clone();
    assert_eq!(
        (&read["masked"], &read["public"]),
        (&json!(true), &json!(false))
    );
    assert_ne!(read["value"], job["token"]);
    job["token"] = read["value"].clone();
    let forbidden = [
        rig.put(&job, json!({"state": "success", "output": {}}))
            .await,
        rig.patch(&job, 0, b"forged").await,
        upload(&rig, &job, "artifact_format=zip", "a.zip", vec![1]).await,
    ];
    for answer in forbidden {
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    }
}

/// What expired is not left out in silence: the job that needs it fails, and who asked gets the next one.
#[tokio::test]
async fn a_job_whose_dependency_expired_fails() {
    let rig = Rig::new().await;
    let token = rig.register("").await;
    let id = rig
        .pipeline(&["build", "use", "other"], |plan| {
            plan.jobs[1].needs = Some(vec![aqueduct_core::plan::Need {
                job: "build".into(),
                artifacts: true,
                optional: false,
            }]);
            plan.jobs[1].artifacts_from = ["build".to_owned()].into();
        })
        .await;
    let build = rig.request(&token, None).await.json();
    let query = "artifact_format=zip&artifact_type=archive&expire_in=1+second";
    let stored = upload(&rig, &build, query, "default.zip", vec![1, 2, 3]).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text);
    let other = rig.request(&token, None).await.json();
    assert_eq!(other["job_info"]["name"], "other");
    rig.put(&build, json!({"state": "success", "output": {}}))
        .await;
    let later = aqueduct_core::time::Timestamp(i64::MAX / 2);
    let expired = rig.fleet.store().expire_artifacts(later, 10).await;
    assert_eq!(expired.unwrap(), 1);
    let nothing = rig.request(&token, None).await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT, "{}", nothing.text);
    let jobs = rig.v1(Method::GET, &format!("/pipelines/{id}/jobs")).await;
    let failed = &jobs.json()[1];
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(failed.to_string().contains("artifact.missing"), "{failed}");
}
