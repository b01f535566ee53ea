//! What becomes of events.

use aqueduct_core::{
    lang::{
        self, CompileRequest, Compiled, SourceRequest, Sources,
        context::{Context, ZERO_SHA},
    },
    plan::Plan,
    refs::RefEvent,
    run::Status,
    time::Millis,
};
use aqueduct_ports::store::NewDelivery;
use aqueduct_testkit::origin::git;
use bytes::Bytes;

use super::{CONFIG, Rig};

/// Pushes a configuration to `main` of a watched project and works the event off.
async fn pushed(rig: &Rig, config: &str) {
    let project = rig.project().await.id;
    rig.push(".gitlab-ci.yml", config, "refs/heads/main");
    rig.look(project).await;
    rig.ingest.drain().await.unwrap();
}

#[tokio::test]
async fn a_push_becomes_a_pipeline_whose_commit_is_kept() {
    let rig = Rig::new().await;
    pushed(&rig, CONFIG).await;
    let rows = rig.pipelines().await;
    assert_eq!((rows.len(), rows[0].jobs), (1, 1));
    assert_eq!(rows[0].git_ref, "refs/heads/main");
    assert_eq!(rows[0].source, "push");
    assert_eq!(rig.fleet.load_now(), (1, 0), "its job waits for a runner");
    assert_eq!(
        rig.mirrors.kept(rows[0].project).await.unwrap(),
        [rows[0].id]
    );
    assert!(rig.waiting().await.is_empty());
}

#[tokio::test]
async fn what_is_no_pipeline_is_none() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push("a", "no file", "refs/heads/main");
    rig.look(project).await;
    let never = "workflow: {rules: [{if: $NEVER}]}\njob: {script: make}\n";
    let only_tags = "job: {script: make, rules: [{if: $CI_COMMIT_TAG}]}\n";
    for config in [never, only_tags] {
        rig.push(".gitlab-ci.yml", config, "refs/heads/main");
        rig.look(project).await;
    }
    for message in ["Mend [skip ci]", "Mend [CI Skip]"] {
        let text = format!("{CONFIG}# {message}\n");
        rig.origin
            .push_as(".gitlab-ci.yml", &text, message, "refs/heads/main")
            .unwrap();
        rig.look(project).await;
    }
    rig.push("b", "a branch that goes", "refs/heads/gone");
    git(&rig.origin.work(), &["rm", "-q", ".gitlab-ci.yml"]).unwrap();
    rig.push("b", "again", "refs/heads/gone");
    rig.look(project).await;
    rig.origin.delete("refs/heads/gone").unwrap();
    rig.look(project).await;
    rig.look(project).await;
    assert_eq!(rig.events().await.len(), 7);
    rig.ingest.drain().await.unwrap();
    assert!(rig.waiting().await.is_empty());
    assert!(rig.pipelines().await.is_empty());
}

#[tokio::test]
async fn a_wrong_configuration_is_a_failed_pipeline_with_its_places() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    let unsupported = "job:\n  script: make\n  identity: google_cloud\n";
    for config in ["job:\n  scrpt: make\n", "job: [\n", unsupported] {
        rig.push(".gitlab-ci.yml", config, "refs/heads/main");
        rig.look(project).await;
    }
    rig.ingest.drain().await.unwrap();
    let rows = rig.pipelines().await;
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_eq!(
            (row.head.status, row.head.active, row.jobs),
            (Status::Failed, false, 0)
        );
    }
    let told = |at: usize| rows[at].diagnostics.clone().unwrap();
    assert!(
        told(0).contains(r#""file":".gitlab-ci.yml","line":"#),
        "{}",
        told(0)
    );
    assert!(
        told(2).contains("identity (.gitlab-ci.yml:3:3)"),
        "{}",
        told(2)
    );
    assert_eq!(rig.fleet.load_now(), (0, 0));
}

#[tokio::test]
async fn an_event_that_is_handled_twice_is_one_pipeline() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    rig.look(project).await;
    let event = rig.waiting().await.remove(0);
    // As after a kill before the event was noted as done.
    let outcomes = [
        rig.ingest.handle(&event).await.unwrap(),
        rig.ingest.handle(&event).await.unwrap(),
    ];
    assert_eq!(outcomes[0], outcomes[1]);
    rig.ingest.drain().await.unwrap();
    assert_eq!(rig.pipelines().await.len(), 1);
    assert_eq!(rig.fleet.load_now(), (1, 0));
}

#[tokio::test]
async fn a_remote_that_is_away_is_waited_for() {
    let rig = Rig::new().await;
    let project = rig.project().await;
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    rig.look(project.id).await;
    let away = rig.dir.path().join("away.git");
    std::fs::rename(rig.origin.path(), &away).unwrap();
    for failures in 1..4 {
        rig.ingest.drain().await.unwrap();
        let waiting = rig.waiting().await;
        assert_eq!((waiting.len(), waiting[0].failures), (1, failures));
        rig.pass(Millis(600_000));
    }
    std::fs::rename(&away, rig.origin.path()).unwrap();
    rig.ingest.drain().await.unwrap();
    assert_eq!(rig.pipelines().await.len(), 1);
}

#[tokio::test]
async fn events_that_nobody_can_handle_end() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    let event = |name: &str, after: &str| RefEvent {
        name: name.into(),
        before: None,
        after: Some(after.into()),
        initial: false,
    };
    let gone = serde_json::to_vec(&event("refs/heads/main", &"ab".repeat(20))).unwrap();
    let no_sha = serde_json::to_vec(&event("refs/heads/main", "--help")).unwrap();
    let odd = serde_json::to_vec(&event("refs/pull/1", &"ab".repeat(20))).unwrap();
    for (number, body) in [b"nonsense".to_vec(), gone, no_sha, odd]
        .into_iter()
        .enumerate()
    {
        let delivery = NewDelivery {
            project,
            source: "test".into(),
            delivery: number.to_string(),
            kind: "ref_created".into(),
            body: Bytes::from(body),
            received: super::Timestamp(0),
        };
        rig.store.put_delivery(&delivery).await.unwrap();
    }
    rig.ingest.drain().await.unwrap();
    assert!(rig.waiting().await.is_empty());
    assert!(rig.pipelines().await.is_empty());
}

#[tokio::test]
async fn includes_changes_and_files_are_those_of_the_commit() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push(
        "ci/jobs.yml",
        "included: {script: make}\n",
        "refs/heads/main",
    );
    rig.push("src/a.rs", "1", "refs/heads/main");
    let config = "include: [{local: 'ci/*.yml'}]\n\
                  changed: {script: make, rules: [{changes: [src/*]}]}\n\
                  unchanged: {script: make, rules: [{changes: [docs/*]}]}\n\
                  exists: {script: make, rules: [{exists: [src/a.rs]}]}\n\
                  compared: {script: make, rules: [{changes: {paths: ['src/*'], compare_to: refs/heads/main}}]}\n";
    rig.push(".aqueduct.yml", config, "refs/heads/main");
    rig.push(".gitlab-ci.yml", "not: [read", "refs/heads/main");
    rig.look(project).await;
    rig.push("src/a.rs", "2", "refs/heads/topic");
    rig.look(project).await;
    rig.ingest.drain().await.unwrap();
    rig.push("src/a.rs", "3", "refs/heads/topic");
    rig.push("later", "4", "refs/heads/main");
    rig.look(project).await;
    rig.ingest.drain().await.unwrap();
    let plans = rig.plans().await;
    let jobs = |git_ref: &str, new: bool| {
        let before = |plan: &Plan| {
            let found = plan
                .variables
                .iter()
                .find(|known| *known.key == *"CI_COMMIT_BEFORE_SHA");
            found.is_some_and(|found| *found.value == *ZERO_SHA)
        };
        let found = plans
            .iter()
            .find(|plan| plan.pipeline.ref_name == git_ref && before(plan) == new)
            .unwrap();
        let names: Vec<&str> = found.jobs.iter().map(|job| job.name.as_str()).collect();
        names.join(" ")
    };
    let all = "included changed unchanged exists compared";
    assert_eq!(jobs("topic", true), all, "a new branch has no diff");
    assert_eq!(jobs("topic", false), "included changed exists");
    assert_eq!(jobs("main", false), "included changed exists");
}

#[tokio::test]
async fn a_tag_is_built_as_a_tag() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    let config = "tag: {script: make, rules: [{if: $CI_COMMIT_TAG == \"v1\"}]}\n";
    rig.push(".gitlab-ci.yml", config, "refs/heads/main");
    git(&rig.origin.work(), &["tag", "-a", "-m", "The first", "v1"]).unwrap();
    git(&rig.origin.work(), &["push", "-q", "../origin.git", "v1"]).unwrap();
    rig.look(project).await;
    git(
        &rig.origin.work(),
        &["tag", "-f", "-a", "-m", "Again", "v1"],
    )
    .unwrap();
    rig.look(project).await;
    rig.ingest.drain().await.unwrap();
    assert!(rig.pipelines().await.is_empty(), "it was there before");
    git(&rig.origin.work(), &["tag", "v2"]).unwrap();
    rig.push(
        ".gitlab-ci.yml",
        &config.replace("v1", "v2"),
        "refs/tags/v2",
    );
    rig.look(project).await;
    rig.ingest.drain().await.unwrap();
    assert_eq!(rig.pipelines().await[0].git_ref, "refs/tags/v2");
    let plan = rig.plans().await.remove(0);
    let value = |name: &str| {
        let found = plan
            .variables
            .iter()
            .find(|variable| *variable.key == *name);
        found.map(|variable| variable.value.to_string())
    };
    assert_eq!(value("CI_COMMIT_TAG").as_deref(), Some("v2"));
    assert_eq!(value("CI_COMMIT_BRANCH"), None);
    assert_eq!(
        value("CI_PROJECT_URL").as_deref(),
        Some("https://ci.example.com/group/app")
    );
}

/// A laptop that compiles the same commit for the same ref gets the same hash: what it doesn't know (urls, when it was
/// pushed) doesn't count.
#[tokio::test]
async fn the_plan_is_a_laptops() {
    let rig = Rig::new().await;
    let message = "Say so\n\nWith reasons.";
    let project = rig.project().await;
    let sha = rig
        .origin
        .push_as(".gitlab-ci.yml", CONFIG, message, "refs/heads/main")
        .unwrap();
    rig.look(project.id).await;
    rig.ingest.drain().await.unwrap();
    let repo = rig.origin.work();
    let facts = {
        let told = git(&repo, &["log", "-1", "--format=%an <%ae>%n%B"]).unwrap();
        let (author, message) = told.split_once('\n').unwrap();
        (author.to_owned(), format!("{}\n", message.trim_end()))
    };
    let mut context = Context::branch("main");
    context.sha = sha;
    context.commit.author = facts.0;
    context.commit.message = facts.1;
    context.project.path = project.path;
    context.ref_protected = true;
    context.skip_markers = false;
    let request = CompileRequest {
        entry: context.config_path.clone(),
        context,
        inputs: std::iter::empty().collect(),
    };
    let mut sources = Sources::new();
    let entry = SourceRequest::Local(".gitlab-ci.yml".into());
    sources.insert(entry, Some(CONFIG.as_bytes().to_vec()));
    let Compiled::Done(done) = lang::compile(&request, &sources) else {
        panic!("it asks for more");
    };
    assert_eq!(done.plan.unwrap().hash, rig.plans().await[0].hash);
}

#[tokio::test]
async fn a_deleted_projects_events_go_with_it() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    rig.look(project).await;
    rig.store
        .delete_project(project, super::Timestamp(1))
        .await
        .unwrap();
    rig.ingest.drain().await.unwrap();
    assert!(rig.pipelines().await.is_empty());
}
