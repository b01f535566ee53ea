//! Whom releases are handed to.

use aqueduct_core::{
    plan::{ConflictPolicy, JobKind, PublishSpec, Require},
    platform::Arch,
    sched::{ExecutorOffer, Offer, TagPolicy},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{Answer, Rig, info};

async fn ask(rig: &Rig, runner: &str, body: &Value) -> Answer {
    let header = ("Runner-Token", runner);
    rig.v4(Method::POST, "/jobs/request", header, body).await
}

#[tokio::test]
async fn a_runner_that_calls_itself_a_release_worker_gets_no_release() {
    let rig = Rig::new().await;
    let runner = rig.register("").await;
    rig.pipeline(&["publish", "test"], |plan| {
        plan.jobs[0].kind = JobKind::Publish(PublishSpec {
            python: vec!["dist/*".into()],
            to: vec!["here".into()],
            primary: None,
            require: Require::All,
            on_conflict: ConflictPolicy::Fail,
        });
    })
    .await;
    let offer = Offer {
        runner: "liar".into(),
        executors: vec![
            ExecutorOffer::release(),
            ExecutorOffer::host(vec![Arch::Amd64], false),
        ],
        tags: TagPolicy::Any,
        run_untagged: true,
    };
    let mut foreign = json!({"token": runner, "system_id": "s_foreign", "info": info()});
    foreign["info"]["executor"] = "release".into();
    // By the name of its executor it is none at all, and takes nothing.
    let answer = ask(&rig, &runner, &foreign).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);

    let mut ours = json!({"token": runner, "system_id": "s_ours", "info": info()});
    ours["aqueduct"] = json!({"version": 1, "instance": "one", "offer": offer});
    let job = ask(&rig, &runner, &ours).await;
    assert_eq!(job.status, StatusCode::CREATED, "{}", job.text);
    assert_eq!(job.json()["job_info"]["name"], "test");
    let none = ask(&rig, &runner, &ours).await;
    assert_eq!(none.status, StatusCode::NO_CONTENT, "{}", none.text);
}
