//! Against a scripted server, made for these tests: it remembers every call and answers as it is told.

mod artifacts;
mod polling;
mod server;
mod working;

use aqueduct_core::{
    api::runner::Info,
    sched::{ExecutorOffer, Offer, TagPolicy},
    time::Millis,
};
use serde_json::{Value, json};

use self::server::{Call, Reply, Server};
use crate::{Api, ApiOptions, HttpWorkSource, Identity};

fn source(server: &Server) -> HttpWorkSource {
    let identity = Identity {
        token: "glrt-runner".into(),
        system_id: "r_0123456789ab".into(),
        instance: "one".into(),
        info: Info::default(),
        grace: Millis(10_000),
    };
    HttpWorkSource::new(api(server), identity)
}

fn api(server: &Server) -> Api {
    Api::new(&ApiOptions::new(server.url.clone())).unwrap()
}

fn offer() -> Offer {
    Offer {
        runner: "r".into(),
        executors: vec![ExecutorOffer::host(Vec::new(), false)],
        tags: TagPolicy::Any,
        run_untagged: true,
    }
}

/// What any server of the API sends for a job that runs `true`.
fn job() -> Value {
    json!({"id": 1001, "token": "glcbt-EXAMPLE",
        "job_info": {"id": 1001, "name": "job", "stage": "test", "pipeline_id": 77},
        "git_info": {"repo_url": "http://gitlab-ci-token:glcbt-READ@ci.example/demo/demo.git",
            "sha": "1111111111111111111111111111111111111111",
            "refspecs": ["+refs/pipelines/77:refs/pipelines/77"], "depth": 20},
        "steps": [{"name": "script", "script": ["true"]}],
        "artifacts": [
            {"name": "", "paths": ["out"], "artifact_type": "archive", "artifact_format": "zip", "expire_in": "1 week"},
            {"name": "junit.xml", "paths": ["*.xml"], "artifact_type": "junit", "artifact_format": "gzip"}],
        "dependencies": [{"id": 5, "token": "glcbt-DEP", "name": "build",
            "artifacts_file": {"filename": "default.zip", "size": 9}}],
        "features": {"failure_reasons": ["script_failure", "runner_interrupted", "job_canceled"]}})
}

/// A job for the first question, then none; every update and every piece of trace is taken.
fn usual(call: &Call) -> Reply {
    match (call.method.as_str(), call.path.as_str()) {
        ("POST", "/api/v4/jobs/request") => match call.number {
            0 => Reply::json(201, &job()),
            _ => Reply::status(204),
        },
        ("PUT", _) => Reply::status(200),
        ("PATCH", _) => Reply::status(202).header("range", &format!("0-{}", call.end())),
        _ => Reply::status(404),
    }
}
