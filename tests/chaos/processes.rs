//! The coordinator and its runners as processes that can be killed and started again.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::ledger::{Kill, now_ms};

const AQUEDUCT: &str = env!("CARGO_BIN_EXE_aqueduct");
/// Names of the runners; each has five slots.
const RUNNERS: [&str; 4] = ["r1", "r2", "r3", "r4"];

/// A process that is started again after its death.
pub(crate) struct Process {
    pub(crate) name: String,
    args: Vec<String>,
    child: Option<Child>,
}

/// All of them.
pub(crate) struct Processes {
    dir: PathBuf,
    pub(crate) url: String,
    token: String,
    client: Client,
    /// The coordinator first.
    pub(crate) all: Vec<Process>,
    pub(crate) kills: Vec<Kill>,
}

impl Processes {
    /// A coordinator that watches `git_url`, and the runners, all below `dir`.
    pub(crate) async fn start(dir: &Path, git_url: &str, database: Option<&str>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = port.local_addr().unwrap().to_string();
        drop(port);
        let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let mut args = vec!["serve".to_owned(), "--listen".into(), listen.clone()];
        args.extend(["--data".into(), path("data")]);
        args.extend(["--config".into(), path("operator.toml")]);
        if let Some(url) = database {
            args.extend(["--database".into(), url.to_owned()]);
        }
        let mut processes = Self {
            dir: dir.to_owned(),
            url: format!("http://{listen}"),
            token: String::new(),
            client: Client::builder()
                .timeout(Duration::from_secs(5))
                .build()
                .unwrap(),
            all: vec![Process {
                name: "coordinator".into(),
                args,
                child: None,
            }],
            kills: Vec::new(),
        };
        processes.begin(0);
        processes.token = processes.admin_token().await;
        let asked = json!({"path": "group/name", "git_url": git_url, "interval_ms": 200});
        let made = processes
            .call(Method::POST, "/projects", Some(&asked))
            .await;
        made.unwrap();
        for name in RUNNERS {
            processes.add_runner(name).await;
        }
        processes
    }

    async fn add_runner(&mut self, name: &str) {
        let asked = json!({ "description": name });
        let made = self.call(Method::POST, "/runners", Some(&asked)).await;
        let token = made.unwrap()["token"].as_str().unwrap().to_owned();
        let path = |file: &str| self.dir.join(name).join(file).to_str().unwrap().to_owned();
        fs::create_dir_all(self.dir.join(name)).unwrap();
        fs::write(path("token"), token).unwrap();
        let url = self.url.clone();
        let args = [
            "runner",
            "run",
            "--url",
            &url,
            "--name",
            name,
            "--executor",
            "host",
            "--concurrent",
            "5",
            "--token-file",
            &path("token"),
            "--state-dir",
            &path("state"),
            "--builds-dir",
            &path("builds"),
            "--cache-dir",
            &path("cache"),
        ];
        self.all.push(Process {
            name: name.to_owned(),
            args: args.map(str::to_owned).into(),
            child: None,
        });
        self.begin(self.all.len() - 1);
    }

    /// Starts one that is dead.
    pub(crate) fn begin(&mut self, at: usize) {
        let log = |kind: &str| {
            let path = self.dir.join(format!("{}.{kind}", self.all[at].name));
            let mut open = fs::OpenOptions::new();
            open.create(true).append(true).open(path).unwrap()
        };
        let child = Command::new(AQUEDUCT)
            .args(&self.all[at].args)
            .env("XDG_CACHE_HOME", self.dir.join("cache"))
            .stdin(Stdio::null())
            .stdout(log("out"))
            .stderr(log("err"))
            .spawn();
        self.all[at].child = Some(child.unwrap());
    }

    /// With SIGKILL, as a machine that loses its power does.
    pub(crate) fn kill(&mut self, at: usize) {
        let mut child = self.all[at].child.take().unwrap();
        let who = self.all[at].name.clone();
        child.kill().unwrap();
        child.wait().unwrap();
        self.kills.push(Kill {
            who,
            at_ms: now_ms(),
        });
    }

    /// Which are alive. None may have ended by itself.
    pub(crate) fn alive(&mut self) -> Vec<usize> {
        let mut alive = Vec::new();
        for (at, process) in self.all.iter_mut().enumerate() {
            if let Some(child) = &mut process.child {
                let ended = child.try_wait().unwrap();
                assert!(ended.is_none(), "{} ended: {ended:?}", process.name);
                alive.push(at);
            }
        }
        alive
    }

    /// Asks all to end, the coordinator last, and waits for them.
    pub(crate) fn drain(&mut self) {
        for at in (0..self.all.len()).rev() {
            self.stop(at);
        }
    }

    /// Asks one to end and waits for it: it has to do so with success.
    pub(crate) fn stop(&mut self, at: usize) {
        let process = &mut self.all[at];
        let Some(child) = &mut process.child else {
            return;
        };
        let asked = Command::new("kill").arg(child.id().to_string()).status();
        assert!(asked.unwrap().success());
        let began = Instant::now();
        let ended = loop {
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            let patient = began.elapsed() < Duration::from_secs(40);
            assert!(patient, "{} does not end", process.name);
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(ended.success(), "{}: {ended}", process.name);
        process.child = None;
    }

    /// For administrators.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// One call of the API; an error says that the coordinator is away.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let url = format!("{}/api/v1{path}", self.url);
        let request = self.client.request(method, url).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        assert!(!status.is_server_error(), "{path}: {status} {text}");
        if !status.is_success() {
            return Err(format!("{status} {text}"));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The bytes of a job's log, of which an answer holds a part.
    pub(crate) async fn log(&self, job: u64) -> Vec<u8> {
        let mut log = Vec::new();
        loop {
            let from = log.len();
            let url = format!("{}/api/v1/jobs/{job}/trace?from={from}", self.url);
            let answer = self.client.get(url).bearer_auth(&self.token).send().await;
            let part = answer.unwrap().error_for_status().unwrap().bytes().await;
            log.extend_from_slice(&part.unwrap());
            if log.len() == from {
                return log;
            }
        }
    }

    async fn admin_token(&self) -> String {
        let file = self.dir.join("coordinator.out");
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Some(line) = text.lines().next().filter(|_| text.ends_with('\n')) {
                let ready = self.client.get(format!("{}/readyz", self.url)).send().await;
                if ready.is_ok_and(|answer| answer.status().is_success()) {
                    return line.rsplit(' ').next().unwrap().to_owned();
                }
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "it does not start"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in &mut self.all {
            if let Some(mut child) = process.child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
            if std::thread::panicking() {
                let said = fs::read_to_string(self.dir.join(format!("{}.err", process.name)));
                let said = said.unwrap_or_default();
                let from = said.len().saturating_sub(6000);
                let from = (from..said.len()).find(|at| said.is_char_boundary(*at));
                eprintln!("{} said:\n{}", process.name, &said[from.unwrap_or(0)..]);
            }
        }
        if std::thread::panicking() {
            eprintln!("kills: {:?}", self.kills);
        }
    }
}
