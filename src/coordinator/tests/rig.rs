//! A coordinator on a free port, and a client that speaks as a stock runner does.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use aqueduct_coordinator::{App, AppPorts, Background, Config, background};
use aqueduct_core::{
    id::PipelineId,
    plan::{JobKind, OnNewCommit, PipelineHead, Plan, PlanJob, ScriptSpec},
    time::{Millis, Timestamp},
    token::TokenHash,
};
use aqueduct_engine::fleet::{Fleet, FleetConfig, FleetPorts, PipelineRequest};
use aqueduct_forge::Webhooks;
use aqueduct_mirror::{GitMirrors, Options};
use aqueduct_ports::{
    clock::Clock,
    random::Random,
    store::{AccessScope, NewAccessToken, NewProject, RegistrationToken, RunnerKind, Store},
};
use aqueduct_store::{Database, ObjectDirectory};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_millis()).unwrap())
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A token for administrators.
pub(crate) const ADMIN: &str = "aqa-admin";
/// A token that may read.
pub(crate) const READER: &str = "aqa-reader";
/// A registration token.
pub(crate) const REGISTRATION: &str = "GR1348941test";

/// A coordinator that serves until this is dropped.
pub(crate) struct Rig {
    pub(crate) url: String,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) client: Client,
    pipelines: std::sync::atomic::AtomicU64,
    _stop: oneshot::Sender<()>,
    _background: Background,
    _dir: TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store: Arc<dyn Store> = Arc::new(Database::sqlite(dir.path()).await.unwrap());
        furnish(store.as_ref(), dir.path()).await;
        let ports = FleetPorts {
            store,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        };
        let fleet = Arc::new(Fleet::new(ports, FleetConfig::new(url.as_str())));
        let app = App::new(
            AppPorts {
                fleet: Arc::clone(&fleet),
                objects: Arc::new(ObjectDirectory::open(&dir.path().join("objects")).unwrap()),
                mirrors: Arc::new(
                    GitMirrors::new(&dir.path().join("mirrors"), Options::default()).unwrap(),
                ),
                hooks: Arc::new(Webhooks),
                statuses: None,
                clock: Arc::new(SystemClock),
            },
            config,
        );
        let (stop, stopped) = oneshot::channel();
        let background = background(&app);
        tokio::spawn(aqueduct_coordinator::serve(app, listener, async {
            let _ = stopped.await;
        }));
        Self {
            url,
            fleet,
            client: Client::new(),
            pipelines: std::sync::atomic::AtomicU64::new(0),
            _stop: stop,
            _background: background,
            _dir: dir,
        }
    }

    /// A pipeline whose jobs are changed by `change` before it is made.
    pub(crate) async fn pipeline(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut Plan),
    ) -> PipelineId {
        let count = &self.pipelines;
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut plan = plan(names);
        change(&mut plan);
        let request = PipelineRequest {
            project: aqueduct_core::id::ProjectId(1),
            cause: format!("test {count}"),
            git_ref: "refs/heads/main".into(),
            sha: "a".repeat(40),
            before_sha: None,
            source: "push".into(),
            plan: Ok(Arc::new(plan)),
        };
        let id = self.fleet.create(&request).await.unwrap().id;
        self.fleet.begin(id).await.unwrap();
        id
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.header(
            "User-Agent",
            "gitlab-runner 19.4.0 (main; go1.26.8; linux/amd64)",
        )
    }

    /// A JSON call below `/api/v4`; the answer's status, headers that matter, and body.
    pub(crate) async fn v4(
        &self,
        method: Method,
        path: &str,
        header: (&str, &str),
        body: &Value,
    ) -> Answer {
        let request = self.call(method, &format!("/api/v4{path}"));
        Answer::of(request.header(header.0, header.1).json(body)).await
    }

    /// Registers a runner with a registration token; its own token.
    pub(crate) async fn register(&self, tags: &str) -> String {
        let body = json!({"token": REGISTRATION, "tag_list": tags, "info": info()});
        let answer = self
            .v4(
                Method::POST,
                "/runners",
                ("Runner-Token", REGISTRATION),
                &body,
            )
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Asks for a job as a stock runner does.
    pub(crate) async fn request(&self, token: &str, cursor: Option<&str>) -> Answer {
        let mut body = json!({"token": token, "system_id": "s_0123456789ab", "info": info()});
        if let Some(cursor) = cursor {
            body["last_update"] = cursor.into();
        }
        self.v4(
            Method::POST,
            "/jobs/request",
            ("Runner-Token", token),
            &body,
        )
        .await
    }

    pub(crate) async fn put(&self, job: &Value, body: Value) -> Answer {
        let token = job["token"].as_str().unwrap();
        let mut whole = json!({"token": token, "info": info()});
        for (key, value) in body.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let path = format!("/jobs/{}", job["id"]);
        self.v4(Method::PUT, &path, ("Job-Token", token), &whole)
            .await
    }

    pub(crate) async fn patch(&self, job: &Value, start: usize, bytes: &[u8]) -> Answer {
        let path = format!("/api/v4/jobs/{}/trace?debug_trace=false", job["id"]);
        let range = format!("{start}-{}", (start + bytes.len()).saturating_sub(1));
        let request = self
            .call(Method::PATCH, &path)
            .header("Job-Token", job["token"].as_str().unwrap())
            .header("Content-Type", "text/plain")
            .header("Content-Range", range)
            .body(bytes.to_vec());
        Answer::of(request).await
    }

    /// A call of ours, as an administrator.
    pub(crate) async fn v1(&self, method: Method, path: &str) -> Answer {
        let request = self.call(method, &format!("/api/v1{path}"));
        Answer::of(request.bearer_auth(ADMIN)).await
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// What the recorded shell runner says of itself.
pub(crate) fn info() -> Value {
    json!({
        "name": "gitlab-runner", "version": "19.4.0", "revision": "0a1b2c3d",
        "platform": "linux", "architecture": "amd64", "executor": "shell", "shell": "bash",
        "features": {"variables": true, "image": false, "services": false, "artifacts": true,
            "upload_multiple_artifacts": true, "refspecs": true, "return_exit_code": true,
            "cancelable": true, "cancel_gracefully": true, "two_phase_job_commit": true},
        "config": {"gpus": ""}
    })
}

async fn furnish(store: &dyn Store, dir: &Path) {
    let created = SystemClock.now();
    store
        .create_project(&NewProject {
            path: "group/name".into(),
            git_url: dir.join("none.git").display().to_string(),
            default_branch: Some("main".into()),
            interval: Millis::from_secs(3600),
            settings: "{}".into(),
            created,
        })
        .await
        .unwrap();
    let registration = RegistrationToken {
        token: TokenHash::of(REGISTRATION),
        kind: RunnerKind::Instance,
        description: String::new(),
        created,
    };
    store
        .create_registration_token(&registration)
        .await
        .unwrap();
    for (token, scope) in [(ADMIN, AccessScope::Admin), (READER, AccessScope::Read)] {
        store
            .create_access_token(&NewAccessToken {
                hash: TokenHash::of(token),
                name: token.into(),
                scope,
                expires: None,
                created,
            })
            .await
            .unwrap();
    }
}

fn plan(names: &[&str]) -> Plan {
    let script = ScriptSpec {
        script: vec!["true".into()],
        ..ScriptSpec::default()
    };
    let job = |name: &&str| PlanJob::new(name, "test", 0, JobKind::Script(script.clone()));
    Plan {
        pipeline: PipelineHead {
            source: "push".into(),
            ref_name: "main".into(),
            sha: "a".repeat(40),
            run: true,
            name: None,
            cancel_on_job_failure: false,
            on_new_commit: OnNewCommit::None,
        },
        variables: Vec::new(),
        stages: vec!["test".into()],
        jobs: names.iter().map(job).collect(),
        skipped: Vec::new(),
        hash: "sha256:0".into(),
    }
}
