//! What is sent to each forge, and what its answers mean. GitHub and GitLab by hand-made answers.

use aqueduct_core::{api::runner::Secret, refs::RemoteUrl, time::Millis};
use aqueduct_forge::{Forges, Login};
use aqueduct_ports::forge::{CommitState, CommitStatus, Forge, StatusError, Statuses as _};
use aqueduct_testkit::scripted::{Answer, Server};
use serde_json::{Value, json};

fn status(state: CommitState) -> CommitStatus {
    CommitStatus {
        sha: "a".repeat(40),
        ref_name: "main".into(),
        state,
        context: "aqueduct/g/n".into(),
        description: "the pipeline failed".into(),
        target_url: "https://ci.example/pipelines/7".into(),
    }
}

fn forges(forge: Forge, url: &str) -> Forges {
    let login = Login {
        forge,
        url: url.to_owned(),
        api: None,
        user: None,
        token: Secret::new("s3cret"),
        statuses: true,
    };
    Forges::new(vec![login]).unwrap()
}

async fn told(
    forge: Forge,
    state: CommitState,
    answer: impl Fn() -> Answer + Send + 'static,
) -> (Result<(), StatusError>, String, Value) {
    let server = Server::start(move |_, _| answer()).unwrap();
    let url = format!("http://{}", server.host());
    let repository = RemoteUrl::parse(&format!("{url}/g/sub/n.git")).unwrap();
    let forges = forges(forge, &url);
    assert!(forges.knows(&repository));
    let result = forges.tell(&repository, &status(state)).await;
    let requests = server.seen();
    let request = requests.first().unwrap();
    let body = serde_json::from_slice(&request.body).unwrap();
    let token = request
        .header("authorization")
        .or_else(|| request.header("private-token"));
    (
        result,
        format!("{} {}", request.line, token.unwrap_or_default()),
        body,
    )
}

#[tokio::test]
async fn each_forge_is_told_in_its_own_words() {
    let sha = "a".repeat(40);
    let own = |state: &str| json!({"state": state, "context": "aqueduct/g/n", "description": "the pipeline failed", "target_url": "https://ci.example/pipelines/7"});
    let lab = |state: &str| json!({"state": state, "name": "aqueduct/g/n", "ref": "main", "description": "the pipeline failed", "target_url": "https://ci.example/pipelines/7"});
    let github = format!("POST /api/v3/repos/g/sub/n/statuses/{sha} HTTP/1.1 Bearer s3cret");
    let gitea = format!("POST /api/v1/repos/g/sub/n/statuses/{sha} HTTP/1.1 token s3cret");
    let gitlab = format!("POST /api/v4/projects/g%2Fsub%2Fn/statuses/{sha} HTTP/1.1 s3cret");
    let table = [
        (Forge::GitHub, CommitState::Running, &github, own("pending")),
        (Forge::GitHub, CommitState::Canceled, &github, own("error")),
        (Forge::Gitea, CommitState::Failure, &gitea, own("failure")),
        (Forge::GitLab, CommitState::Running, &gitlab, lab("running")),
        (
            Forge::GitLab,
            CommitState::Canceled,
            &gitlab,
            lab("canceled"),
        ),
    ];
    for (forge, state, line, body) in table {
        let (result, sent, told) = told(forge, state, || Answer::status(201)).await;
        assert_eq!(
            (result, &sent, told),
            (Ok(()), line, body),
            "{forge} {state:?}"
        );
    }
}

#[tokio::test]
async fn only_what_may_get_better_is_tried_again() {
    let message = |status| Answer::status(status).body(r#"{"message": "no such thing"}"#);
    for status in [401, 403, 404, 422, 302] {
        let (result, ..) = told(Forge::GitHub, CommitState::Success, move || message(status)).await;
        let Err(StatusError::Refused(why)) = result else {
            panic!("{status}: {result:?}");
        };
        assert!(
            why.contains("no such thing") && !why.contains("s3cret"),
            "{why}"
        );
    }
    let (result, ..) = told(Forge::GitHub, CommitState::Success, move || {
        message(403).header("retry-after", "7")
    })
    .await;
    assert!(
        matches!(
            result,
            Err(StatusError::Later {
                after: Some(Millis(7000)),
                ..
            })
        ),
        "{result:?}"
    );
    for status in [429, 500, 503] {
        let (result, ..) = told(Forge::Gitea, CommitState::Success, move || message(status)).await;
        assert!(
            matches!(result, Err(StatusError::Later { after: None, .. })),
            "{result:?}"
        );
    }
}
