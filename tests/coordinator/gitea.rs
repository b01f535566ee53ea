//! A real Gitea with a private repository: webhooks on and off, and the states of pipelines beside its commits.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use aqueduct_testkit::gitea::Gitea;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::Rig;

const PIPELINE: &str = r#"
test:
  script: ["echo hello", "test ! -e fail"]
"#;

struct Forge {
    server: Gitea,
    rig: Rig,
}

impl Forge {
    /// A private repository at Gitea, watched by a coordinator that looks at it every `interval_ms` by itself.
    async fn new(interval_ms: u64) -> Self {
        let server = Gitea::start().unwrap();
        let operator = format!(
            "[forges.tea]\nkind = \"gitea\"\nurl = \"{}\"\ntoken = {{ file = \"gitea-token\" }}\n",
            server.url()
        );
        let secret = [("gitea-token", server.token())];
        let rig = Rig::coordinator_with(&[(".gitlab-ci.yml", PIPELINE)], &operator, &secret).await;
        let forge = Self { server, rig };
        let repository = json!({"name": "name", "private": true, "default_branch": "main"});
        forge.tea(Method::POST, "/user/repos", &repository).await;
        let url = format!("{}/owner/name.git", forge.server.url());
        let asked = json!({"path": "group/name", "git_url": url, "interval_ms": interval_ms});
        let made = forge
            .rig
            .call(Method::POST, "/projects", Some(&asked))
            .await;
        forge
            .rig
            .keep("secret", made["webhook_secret"].as_str().unwrap());
        forge.git(&["remote", "set-url", "origin", &forge.login_url()]);
        forge
    }

    fn login_url(&self) -> String {
        let (user, password) = self.server.login();
        let host = self.server.url().replace("http://", "");
        format!("http://{user}:{password}@{host}/owner/name.git")
    }

    /// Lets Gitea send what happens.
    async fn hook(&self) -> u64 {
        let (url, _) = self.rig.address();
        let secret = std::fs::read_to_string(self.rig.outside().join("secret")).unwrap();
        let hook = json!({
            "type": "gitea", "active": true, "events": ["push", "create", "delete"],
            "config": {"url": format!("{url}/hooks/gitea/group/name"), "content_type": "json", "secret": secret},
        });
        let made = self
            .tea(Method::POST, "/repos/owner/name/hooks", &hook)
            .await;
        made["id"].as_u64().unwrap()
    }

    async fn tea(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = reqwest::Client::new()
            .request(method, format!("{}/api/v1{path}", self.server.url()))
            .header("Authorization", format!("token {}", self.server.token()));
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn git(&self, args: &[&str]) -> String {
        git(&self.rig.outside().join("work"), args)
    }

    /// A commit with these files; its hash.
    fn commit(&self, file: &str) -> String {
        std::fs::write(self.rig.outside().join("work").join(file), "").unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", file]);
        self.git(&["rev-parse", "HEAD"])
    }

    async fn pipelines(&self) -> Vec<Value> {
        let pipelines = self.rig.get("/pipelines").await;
        pipelines.as_array().unwrap().clone()
    }

    /// Waits for the pipeline of a ref and commit; how long that took.
    async fn made(&self, git_ref: &str, sha: &str) -> (Value, Duration) {
        let began = Instant::now();
        loop {
            let all = self.pipelines().await;
            let found = all
                .into_iter()
                .find(|one| one["ref"] == git_ref && one["sha"] == sha);
            if let Some(pipeline) = found {
                return (pipeline, began.elapsed());
            }
            self.rig.wait(began).await;
        }
    }

    async fn gone(&self, git_ref: &str) {
        let began = Instant::now();
        loop {
            let branches = self.rig.get("/projects/group%2Fname/branches").await;
            if branches
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["name"] != git_ref)
            {
                return;
            }
            self.rig.wait(began).await;
        }
    }

    /// The life of branches and tags; every pipeline is there within `limit` of its push.
    async fn life(&self, limit: Duration) {
        let soon = |(pipeline, took): (Value, Duration)| {
            assert!(took < limit, "{pipeline} after {took:?}");
        };
        let first = self.git(&["rev-parse", "HEAD"]);
        self.git(&["push", "--quiet", "origin", "HEAD:main"]);
        soon(self.made("refs/heads/main", &first).await);
        let second = self.commit("second");
        self.git(&["push", "--quiet", "origin", "HEAD:main"]);
        soon(self.made("refs/heads/main", &second).await);
        let feature = self.commit("feature");
        self.git(&["push", "--quiet", "origin", "HEAD:feature/one"]);
        soon(self.made("refs/heads/feature/one", &feature).await);
        self.git(&["tag", "v1"]);
        self.git(&["push", "--quiet", "origin", "v1"]);
        soon(self.made("refs/tags/v1", &feature).await);
        self.git(&["push", "--quiet", "origin", ":feature/one"]);
        self.gone("refs/heads/feature/one").await;
        let again = self.commit("again");
        self.git(&["push", "--quiet", "origin", "HEAD:feature/one"]);
        soon(self.made("refs/heads/feature/one", &again).await);
        self.git(&["reset", "--quiet", "--hard", &first]);
        let other = self.commit("other");
        self.git(&["push", "--quiet", "--force", "origin", "HEAD:feature/one"]);
        soon(self.made("refs/heads/feature/one", &other).await);
        assert_eq!(
            self.pipelines().await.len(),
            6,
            "each event is one pipeline"
        );
    }

    /// The state that Gitea shows beside a commit.
    async fn state(&self, sha: &str) -> Option<String> {
        let path = format!("/repos/owner/name/commits/{sha}/status");
        let all = self.tea(Method::GET, &path, &Value::Null).await;
        let one = all["statuses"].get(0)?;
        assert_eq!(one["context"], "aqueduct/group/name");
        one["status"].as_str().map(str::to_owned)
    }

    async fn shows(&self, sha: &str, state: &str) {
        let began = Instant::now();
        while self.state(sha).await.as_deref() != Some(state) {
            self.rig.wait(began).await;
        }
    }
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(dir)
        .args(args)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {args:?}: {told}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn webhooks_alone_bring_every_event_at_once() {
    // Nobody looks without being told.
    let forge = Forge::new(3_600_000).await;
    let hook = forge.hook().await;
    forge.life(Duration::from_secs(5)).await;
    // A test delivery is a push that was there before.
    let path = format!("/repos/owner/name/hooks/{hook}/tests");
    forge.tea(Method::POST, &path, &Value::Null).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(forge.pipelines().await.len(), 6);
    assert!(forge.server.log().contains("Starting Gitea"));
}

#[tokio::test]
async fn without_webhooks_a_look_brings_the_same() {
    let forge = Forge::new(300).await;
    forge.life(Duration::from_secs(15)).await;
}

#[tokio::test]
async fn a_commit_shows_the_last_state_also_after_a_time_apart() {
    let mut forge = Forge::new(300).await;
    let asked = json!({"description": "one"});
    let made = forge.rig.call(Method::POST, "/runners", Some(&asked)).await;
    forge.rig.keep("token", made["token"].as_str().unwrap());
    let good = forge.git(&["rev-parse", "HEAD"]);
    forge.git(&["push", "--quiet", "origin", "HEAD:main"]);
    forge.shows(&good, "pending").await;

    // The forge is away while the pipeline runs and ends.
    forge.server.stop();
    forge.rig.start_runner();
    let pipeline = forge.rig.ended().await;
    assert_eq!(pipeline["status"], "success");
    forge.rig.kill_coordinator();
    forge.rig.start_coordinator();
    forge.rig.answers().await;
    forge.server.start_again().unwrap();
    forge.shows(&good, "success").await;

    let bad = forge.commit("fail");
    forge.git(&["push", "--quiet", "origin", "HEAD:main"]);
    forge.shows(&bad, "failure").await;
    let url = forge
        .tea(
            Method::GET,
            &format!("/repos/owner/name/commits/{bad}/status"),
            &Value::Null,
        )
        .await;
    let target = url["statuses"][0]["target_url"].as_str().unwrap();
    let page = reqwest::get(target).await.unwrap();
    assert!(page.status().is_success(), "{target}");
}
