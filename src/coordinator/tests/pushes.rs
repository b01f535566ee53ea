//! From a push to a clone: a repository is watched, its pipeline's job gets its sources from the coordinator.

use std::{path::Path, time::Duration};

use aqueduct_testkit::origin::{self, Origin};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{ADMIN, Answer, READER, Rig};

/// Runs git on a thread of its own: this one serves it.
async fn git(dir: &Path, args: &[&str]) -> bool {
    let mut command = origin::command(dir, args);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap().status.success()
}

async fn watched(rig: &Rig, origin: &Origin) -> Answer {
    let body = json!({"path": "g/app", "git_url": origin.path(), "interval_ms": 3_600_000});
    let request = rig.call(Method::POST, "/api/v1/projects").json(&body);
    Answer::of(request.bearer_auth(ADMIN)).await
}

/// Asks until there is something.
async fn job(rig: &Rig, token: &str) -> Value {
    for _ in 0..1000 {
        let answer = rig.request(token, None).await;
        if answer.status == StatusCode::CREATED {
            return answer.json();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "there is no job: {:?}",
        rig.v1(Method::GET, "/projects").await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_becomes_a_job_whose_sources_are_cloned_from_here() {
    let rig = Rig::new().await;
    let dir = tempfile::tempdir().unwrap();
    let origin = Origin::new(dir.path()).unwrap();
    let project = watched(&rig, &origin).await;
    assert_eq!(project.status, StatusCode::CREATED, "{}", project.text);
    let path = format!("/projects/{}", project.json()["id"]);
    let token = rig.register("").await;
    origin
        .push("a", "without a pipeline", "refs/heads/topic")
        .unwrap();
    let config = "job: {script: make}\n";
    let sha = origin
        .push(".gitlab-ci.yml", config, "refs/heads/topic")
        .unwrap();
    let reader = rig.call(Method::POST, &format!("/api/v1{path}/look"));
    let refused = Answer::of(reader.bearer_auth(READER)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let looked = rig.v1(Method::POST, &format!("{path}/look")).await;
    assert_eq!(looked.status, StatusCode::ACCEPTED);
    let job = job(&rig, &token).await;
    let info = &job["git_info"];
    assert_eq!((&info["sha"], &info["ref"]), (&json!(sha), &json!("topic")));
    // The branch goes before the job begins: its commit is kept.
    origin.delete("refs/heads/topic").unwrap();
    let copy = dir.path().join("copy");
    assert!(git(dir.path(), &["init", "-q", "copy"]).await);
    let url = info["repo_url"].as_str().unwrap();
    let refspecs: Vec<&str> = info["refspecs"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(refspecs.len(), 2, "{info}");
    let fetch = [&["fetch", "-q", "--depth=1", url][..], &refspecs].concat();
    assert!(git(&copy, &fetch).await);
    assert!(git(&copy, &["checkout", "-q", &sha]).await);
    assert_eq!(
        std::fs::read_to_string(copy.join("a")).unwrap(),
        "without a pipeline"
    );
    let read_token = url.split([':', '@']).nth(2).unwrap();
    for wrong in [
        url.replace(read_token, "nobody"),
        url.replace("/g/app", "/group/name"),
    ] {
        assert!(!git(&copy, &["ls-remote", "-q", &wrong]).await, "{wrong}");
    }
    let shown = rig.v1(Method::GET, &path).await.json();
    assert_eq!(shown["watch"]["error"], Value::Null);
    assert_eq!(shown["default_branch"], "topic");
}

/// With `GIT_DEPTH: 0` a job can compare with other branches and name its commit by a tag.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_history_is_that_of_all_branches_and_tags() {
    let rig = Rig::new().await;
    let dir = tempfile::tempdir().unwrap();
    let origin = Origin::new(dir.path()).unwrap();
    let config = "variables: {GIT_DEPTH: '0'}\njob: {script: make}\n";
    let main = origin
        .push(".gitlab-ci.yml", config, "refs/heads/main")
        .unwrap();
    let set = origin::git(&origin.path(), &["update-ref", "refs/tags/v1", &main]);
    set.unwrap();
    origin.push("a", "1", "refs/heads/topic").unwrap();
    let project = watched(&rig, &origin).await.json();
    let look = format!("/projects/{}/look", project["id"]);
    let token = rig.register("").await;
    for round in 0..3 {
        let job = job(&rig, &token).await;
        if round == 0 {
            // The first look takes up the default branch alone.
            let tip = origin.push("a", "2", "refs/heads/topic").unwrap();
            let set = origin::git(&origin.path(), &["update-ref", "refs/tags/v2", &tip]);
            set.unwrap();
            let looked = rig.v1(Method::POST, &look).await;
            assert_eq!(looked.status, StatusCode::ACCEPTED);
        }
        let info = &job["git_info"];
        assert_eq!(info["depth"], 0);
        let url = info["repo_url"].as_str().unwrap();
        let refspecs = info["refspecs"].as_array().unwrap().iter();
        let refspecs: Vec<&str> = refspecs.filter_map(Value::as_str).collect();
        let copy = dir.path().join(format!("copy{round}"));
        let made = git(dir.path(), &["init", "-q", copy.to_str().unwrap()]).await;
        assert!(made);
        let fetch = [&["fetch", "-q", "--no-tags", url][..], &refspecs].concat();
        assert!(git(&copy, &fetch).await, "{info}");
        let sha = info["sha"].as_str().unwrap();
        assert!(git(&copy, &["checkout", "-q", sha]).await);
        assert!(git(&copy, &["diff", "--exit-code", "origin/main", "v1"]).await);
        assert!(git(&copy, &["describe", "--tags"]).await);
        let name = info["ref"].as_str().unwrap();
        let own = if info["ref_type"] == "tag" {
            format!("refs/tags/{name}")
        } else {
            format!("refs/remotes/origin/{name}")
        };
        assert!(git(&copy, &["rev-parse", "--verify", "-q", &own]).await);
    }
}

/// A stock runner is told the key that a hash over files makes: it is another one when they change, and only then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_s_key_follows_its_files() {
    let rig = Rig::new().await;
    let dir = tempfile::tempdir().unwrap();
    let origin = Origin::new(dir.path()).unwrap();
    origin.push("lock", "1", "refs/heads/main").unwrap();
    let cache = "{key: {files: [lock, none], prefix: $CI_JOB_NAME}, paths: [target]}";
    let config = format!("job: {{script: make, cache: {cache}}}\n");
    origin
        .push(".gitlab-ci.yml", &config, "refs/heads/main")
        .unwrap();
    let project = watched(&rig, &origin).await.json();
    let look = format!("/projects/{}/look", project["id"]);
    let token = rig.register("").await;
    let mut keys = Vec::new();
    for (file, text) in [("other", "1"), ("lock", "2"), ("lock", "1")] {
        let job = job(&rig, &token).await;
        keys.push(job["cache"][0]["key"].as_str().unwrap().to_owned());
        origin.push(file, text, "refs/heads/main").unwrap();
        rig.v1(Method::POST, &look).await;
    }
    let last = job(&rig, &token).await;
    let last = last["cache"][0]["key"].as_str().unwrap();
    assert!(last.starts_with("$CI_JOB_NAME-"), "the runner puts it in");
    assert_eq!(last.len(), "$CI_JOB_NAME-".len() + 40, "{last}");
    assert_eq!(keys[0], keys[1], "another file changed");
    assert_ne!(keys[1], keys[2]);
    assert_eq!(keys[0], last);
}
