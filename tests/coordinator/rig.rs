//! The two processes, and a bare repository to push to.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aqueduct_testkit::project::Project;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(90);
const AQUEDUCT: &str = env!("CARGO_BIN_EXE_aqueduct");

/// A coordinator, a runner, and a repository that the coordinator watches.
pub(crate) struct Rig {
    dir: TempDir,
    project: Project,
    url: String,
    token: String,
    client: Client,
    coordinator: Option<Child>,
    runner: Option<Child>,
    executor: &'static str,
}

impl Rig {
    /// Everything running, and nothing pushed yet.
    pub(crate) async fn new(pipeline: &str) -> Self {
        Self::with(&[(".gitlab-ci.yml", pipeline)], "").await
    }

    /// The same with more files in the project, and with settings of the operator.
    pub(crate) async fn with(files: &[(&str, &str)], operator: &str) -> Self {
        let rig = Self::coordinator(files, operator).await;
        rig.furnish("host").await
    }

    /// The same with a runner that works in containers.
    pub(crate) async fn in_containers(pipeline: &str) -> Self {
        let rig = Self::coordinator(&[(".gitlab-ci.yml", pipeline)], "").await;
        rig.furnish("oci").await
    }

    /// Adds the project and a runner.
    async fn furnish(mut self, executor: &'static str) -> Self {
        let rig = &mut self;
        rig.executor = executor;
        let asked = json!({"path": "group/name", "git_url": rig.bare(), "interval_ms": 200});
        rig.call(Method::POST, "/projects", Some(&asked)).await;
        let asked = json!({"description": "one"});
        let made = rig.call(Method::POST, "/runners", Some(&asked)).await;
        rig.keep("token", made["token"].as_str().unwrap());
        rig.start_runner();
        self
    }

    /// A coordinator that knows nothing yet.
    pub(crate) async fn coordinator(files: &[(&str, &str)], operator: &str) -> Self {
        Self::coordinator_with(files, operator, &[]).await
    }

    /// The same, with files beside the operator's.
    pub(crate) async fn coordinator_with(
        files: &[(&str, &str)],
        operator: &str,
        beside: &[(&str, &str)],
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in beside {
            fs::write(dir.path().join(name), text).unwrap();
        }
        fs::write(dir.path().join("operator.toml"), operator).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", port.local_addr().unwrap());
        drop(port);
        let project = Project::new(Path::new(AQUEDUCT), Some(&dir.path().join("work"))).unwrap();
        for (name, text) in files {
            project.write(name, text).unwrap();
        }
        project.commit().unwrap();
        let bare = dir.path().join("bare.git");
        git(
            dir.path(),
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                "bare.git",
            ],
        );
        git(
            project.path(),
            &["remote", "add", "origin", bare.to_str().unwrap()],
        );
        let mut rig = Self {
            dir,
            project,
            url,
            token: String::new(),
            client: Client::new(),
            coordinator: None,
            runner: None,
            executor: "host",
        };
        rig.start_coordinator();
        rig.token = rig.admin_token().await;
        rig.answers().await;
        rig
    }

    /// The repository that is pushed to.
    pub(crate) fn bare(&self) -> PathBuf {
        self.dir.path().join("bare.git")
    }

    /// Writes a file beside everything else; the runner's token is in `token`.
    pub(crate) fn keep(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Where the coordinator listens, and the token for administrators.
    pub(crate) fn address(&self) -> (&str, &str) {
        (&self.url, &self.token)
    }

    /// A command of a person who has a settings directory of their own.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(AQUEDUCT);
        command
            .args(args)
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env_remove("AQUEDUCT_URL")
            .env_remove("AQUEDUCT_TOKEN")
            .env_remove("AQUEDUCT_TOKEN_FILE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A directory that jobs may write to.
    pub(crate) fn outside(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// The working copy that is pushed from.
    pub(crate) fn work(&self) -> &Path {
        self.project.path()
    }

    /// Gives the newest commit a message.
    pub(crate) fn name_commit(&self, message: &str) {
        let args = ["commit", "--quiet", "--amend", "--message", message];
        git(self.project.path(), &args);
    }

    pub(crate) fn push(&self) {
        git(
            self.project.path(),
            &["push", "--quiet", "origin", "HEAD:main"],
        );
    }

    pub(crate) fn start_coordinator(&mut self) {
        let listen = self.url.strip_prefix("http://").unwrap().to_owned();
        let path = |name: &str| self.dir.path().join(name).to_str().unwrap().to_owned();
        let (data, operator) = (path("data"), path("operator.toml"));
        let args = [
            "serve", "--listen", &listen, "--data", &data, "--config", &operator,
        ];
        let child = self.spawn("coordinator", &args);
        self.coordinator = Some(child);
    }

    pub(crate) fn start_runner(&mut self) {
        let path = |name: &str| self.dir.path().join(name).to_str().unwrap().to_owned();
        let (url, token) = (self.url.clone(), path("token"));
        let (state, builds) = (path("state"), path("builds"));
        let args = [
            "runner",
            "run",
            "--url",
            &url,
            "--token-file",
            &token,
            "--executor",
            self.executor,
            "--concurrent",
            "2",
            "--state-dir",
            &state,
            "--builds-dir",
            &builds,
        ];
        let child = self.spawn("runner", &args);
        self.runner = Some(child);
    }

    pub(crate) fn kill_coordinator(&mut self) {
        kill(&mut self.coordinator);
    }

    pub(crate) fn kill_runner(&mut self) {
        kill(&mut self.runner);
    }

    fn spawn(&self, name: &str, args: &[&str]) -> Child {
        let log = |kind: &str| {
            let path = self.dir.path().join(format!("{name}.{kind}"));
            let mut open = fs::OpenOptions::new();
            open.create(true).append(true).open(path).unwrap()
        };
        Command::new(AQUEDUCT)
            .args(args)
            .env("XDG_CACHE_HOME", self.dir.path().join("cache"))
            .stdin(Stdio::null())
            .stdout(log("out"))
            .stderr(log("err"))
            .spawn()
            .unwrap()
    }

    async fn admin_token(&self) -> String {
        let file = self.dir.path().join("coordinator.out");
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Some(line) = text.lines().next()
                && text.ends_with('\n')
            {
                return line.rsplit(' ').next().unwrap().to_owned();
            }
            self.wait(began).await;
        }
    }

    /// Waits until the coordinator answers.
    pub(crate) async fn answers(&self) {
        let began = Instant::now();
        let ready = format!("{}/readyz", self.url);
        while !self
            .client
            .get(&ready)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            self.wait(began).await;
        }
    }

    pub(crate) async fn wait(&self, began: Instant) {
        let patient = began.elapsed() < PATIENCE;
        assert!(patient, "nothing happens; {}", self.logs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// What both processes said.
    fn logs(&self) -> String {
        let read = |name: &str| {
            let text = fs::read_to_string(self.dir.path().join(name));
            format!("{name}:\n{}\n", text.unwrap_or_default())
        };
        read("coordinator.err") + &read("runner.err")
    }

    /// A call of the API for people; its JSON, `null` without any.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self
            .client
            .request(method, format!("{}/api/v1{path}", self.url))
            .bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.unwrap();
        if text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await
    }

    /// The first pipeline, once it has ended.
    pub(crate) async fn ended(&self) -> Value {
        let began = Instant::now();
        loop {
            let pipelines = self.get("/pipelines").await;
            if let Some(pipeline) = pipelines.as_array().unwrap().last()
                && !pipeline["finished_at"].is_null()
            {
                return pipeline.clone();
            }
            self.wait(began).await;
        }
    }

    /// The jobs of a pipeline.
    pub(crate) async fn jobs(&self, pipeline: &Value) -> Vec<Value> {
        let jobs = self
            .get(&format!("/pipelines/{}/jobs", pipeline["id"]))
            .await;
        jobs.as_array().unwrap().clone()
    }

    /// A job's whole log.
    pub(crate) async fn log(&self, job: &Value) -> String {
        let url = format!("{}/api/v1/jobs/{}/trace", self.url, job["id"]);
        let answer = self.client.get(url).bearer_auth(&self.token).send().await;
        answer.unwrap().text().await.unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        kill(&mut self.runner);
        kill(&mut self.coordinator);
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
    }
}

/// With SIGKILL, as a machine that loses its power does.
fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn git(dir: &Path, args: &[&str]) {
    let status = Command::new("git").current_dir(dir).args(args).status();
    assert!(status.unwrap().success(), "git {args:?}");
}
