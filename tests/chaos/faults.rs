//! Trouble that is no kill: a full disk, a database that is away, a coordinator that is asked to stop.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use aqueduct_testkit::postgres::Postgres;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    pipeline,
    processes::Processes,
    story::{git, repository_of},
};

/// Prints for eight seconds, 8 MB in all.
const TALKS: &str = "
talks:
  script:
    - mine=\"$OUT/talks-$CI_JOB_ID-$$\"
    - echo \"begin $mine\"
    - for i in $(seq 1 40); do seq 1 30000; sleep 0.2; done | tee \"$mine\"
    - echo \"end $mine\"
";

/// Everything running, and one branch pushed.
struct Scene {
    processes: Processes,
    dir: TempDir,
}

impl Scene {
    async fn begin(dir: TempDir, database: Option<&str>) -> Self {
        let root = dir.path();
        let outside = root.join("outside");
        fs::create_dir_all(&outside).unwrap();
        fs::write(root.join("operator.toml"), pipeline::OPERATOR).unwrap();
        let file = format!("variables: {{OUT: \"{}\"}}\n{TALKS}", outside.display());
        let project = repository_of(root, &[(".gitlab-ci.yml", &file)]);
        let bare = root.join("bare.git");
        let processes = Processes::start(root, bare.to_str().unwrap(), database).await;
        git(
            project.path(),
            &["push", "--quiet", "origin", "HEAD:refs/heads/main"],
        );
        let scene = Self { processes, dir };
        scene.job(|job| job["status"] == "running", 30).await;
        scene
    }

    /// The only job, once it is as asked.
    async fn job(&self, is: impl Fn(&Value) -> bool, patience_s: u64) -> Value {
        let began = Instant::now();
        loop {
            let (status, text) = self.ask(Method::GET, "/api/v1/pipelines/1/jobs").await;
            let jobs: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            if status.is_success() && is(&jobs[0]) {
                return jobs[0].clone();
            }
            let patient = began.elapsed().as_secs() < patience_s;
            assert!(patient, "{status}: {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Status and text of an answer; there has to be one.
    async fn ask(&self, method: Method, path: &str) -> (StatusCode, String) {
        let client = Client::builder()
            .timeout(Duration::from_secs(40))
            .build()
            .unwrap();
        let request = client.request(method, format!("{}{path}", self.processes.url));
        let request = request
            .bearer_auth(self.processes.token())
            .json(&json!({"description": "another"}));
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Waits until the coordinator says so of whether it is ready, and answers with what words.
    async fn ready(&self, expected: StatusCode) -> String {
        let began = Instant::now();
        loop {
            let (status, text) = self.ask(Method::GET, "/readyz").await;
            if status == expected {
                return text;
            }
            let patient = began.elapsed() < Duration::from_secs(30);
            assert!(patient, "{status}: {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The job went well at its first attempt, and its log is what it wrote.
    async fn nothing_was_lost(&mut self) {
        let job = self
            .job(
                |job| ["success", "failed"].contains(&job["status"].as_str().unwrap_or("")),
                90,
            )
            .await;
        assert_eq!(
            (&job["status"], &job["attempt"]),
            (&json!("success"), &json!(1)),
            "{job}"
        );
        let log = self.processes.log(job["id"].as_u64().unwrap()).await;
        let log = String::from_utf8(log).unwrap();
        let (_, rest) = log.split_once("\nbegin ").unwrap();
        let (file, rest) = rest.split_once('\n').unwrap();
        let written = fs::read_to_string(file).unwrap();
        assert!(written.len() > 6_000_000);
        assert!(
            rest.contains(&written),
            "{} bytes of {}",
            rest.len(),
            written.len()
        );
        self.ready(StatusCode::OK).await;
        self.processes.alive();
        self.processes.drain();
    }

    fn said(&self) -> String {
        fs::read_to_string(self.dir.path().join("coordinator.err")).unwrap()
    }
}

/// A disk of its own; gone with this value.
struct Disk(PathBuf);

impl Disk {
    fn new(at: &Path, megabytes: u32) -> Self {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "none"])
            .arg(at)
            .status();
        assert!(
            mounted.unwrap().success(),
            "a small disk has to be mounted: run this as root"
        );
        Self(at.to_owned())
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(&dir.path().join("data"), 64);
    let mut scene = Scene::begin(dir, None).await;
    let filler = disk.fill();
    let words = scene.ready(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(words.contains("the disk is full"), "{words}");
    let (status, text) = scene.ask(Method::POST, "/api/v1/runners").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
    assert!(text.contains("the disk is full"), "{text}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(scene.said().contains("the disk is full: free some space"));
    fs::remove_file(filler).unwrap();
    scene.nothing_was_lost().await;
}

#[tokio::test]
async fn a_database_that_was_away_costs_nothing() {
    let mut server = Postgres::start_durable().unwrap();
    let database = server.database().unwrap();
    let mut scene = Scene::begin(tempfile::tempdir().unwrap(), Some(&database)).await;
    server.stop();
    scene.ready(StatusCode::SERVICE_UNAVAILABLE).await;
    let (status, text) = scene.ask(Method::POST, "/api/v1/runners").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.start_again().unwrap();
    scene.nothing_was_lost().await;
}

#[tokio::test]
async fn a_coordinator_that_is_asked_to_stop_answers_who_waits() {
    let mut scene = Scene::begin(tempfile::tempdir().unwrap(), None).await;
    let (_, made) = scene.ask(Method::POST, "/api/v1/runners").await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let asked = json!({"token": made["token"], "system_id": "s_1", "last_update": "1", "info": {"executor": "shell", "architecture": "arm64"}});
    let url = format!("{}/api/v4/jobs/request", scene.processes.url);
    let waiting = tokio::spawn(Client::new().post(url).json(&asked).send());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!waiting.is_finished(), "it is held");
    let began = Instant::now();
    scene.processes.stop(0);
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
    scene.processes.begin(0);
    let began = Instant::now();
    while scene
        .processes
        .call(Method::GET, "/pipelines", None)
        .await
        .is_err()
    {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    scene.nothing_was_lost().await;
}
