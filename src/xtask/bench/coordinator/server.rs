//! The coordinator that is measured, and the repository that it watches.

use std::{
    fmt::Write as _,
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aqueduct_testkit::{
    origin::{Origin, git},
    postgres::Postgres,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    super::measure::{high_water_mark, resident},
    api::Api,
};
use crate::error::{At as _, Error, Result};

/// Longest wait for the coordinator's first word.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the coordinator keeps what it knows.
pub(super) enum Database {
    /// SQLite in its data directory; each commit is flushed.
    Sqlite,
    /// A server that flushes each commit, as it does by default.
    Postgres(Box<Postgres>),
}

/// A coordinator on a free port, ended when this is dropped.
pub(super) struct Server {
    program: PathBuf,
    listen: SocketAddr,
    database: Option<String>,
    child: Child,
    token: String,
    origin: Origin,
    dir: TempDir,
    _postgres: Option<Box<Postgres>>,
}

impl Server {
    pub(super) async fn start(aqueduct: &Path, database: Database) -> Result<Self> {
        let dir = tempfile::tempdir().at(Path::new("a temporary directory"))?;
        let origin = Origin::new(dir.path())?;
        let free = TcpListener::bind("127.0.0.1:0").at(Path::new("127.0.0.1"))?;
        let listen = free.local_addr().at(Path::new("127.0.0.1"))?;
        drop(free);
        let postgres = match database {
            Database::Sqlite => None,
            Database::Postgres(server) => Some(server),
        };
        let url = postgres.as_ref().map(|server| server.database());
        let database = url.transpose()?;
        let child = serve(aqueduct, listen, dir.path(), database.as_deref())?;
        let mut server = Self {
            program: aqueduct.to_owned(),
            listen,
            database,
            child,
            token: String::new(),
            origin,
            dir,
            _postgres: postgres,
        };
        server.token = admin_token(&server.dir.path().join("out")).await?;
        server.api().ready().await?;
        // A project's first commit is no push; what follows is.
        server.origin.push("readme", "begin", "refs/heads/main")?;
        Ok(server)
    }

    /// Stops it, has something done to its data directory, and starts it again.
    pub(super) async fn restart(&mut self, change: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        self.child.kill().at(&self.program)?;
        self.child.wait().at(&self.program)?;
        let dir = self.dir.path();
        change(&dir.join("data"))?;
        self.child = serve(&self.program, self.listen, dir, self.database.as_deref())?;
        self.api().ready().await
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.listen
    }

    /// An administrator's token.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn api(&self) -> Api {
        Api::new(&format!("http://{}", self.listen), &self.token)
    }

    pub(super) fn repository(&self) -> String {
        self.origin.path().display().to_string()
    }

    /// Pushes one commit as so many branches, once the first look at the repository is over.
    pub(super) async fn push(&self, jobs: usize, branches: usize) -> Result<()> {
        self.api().first_look().await?;
        let mut text = String::new();
        for job in 0..jobs {
            // Writing to a String does not fail.
            let _ = writeln!(text, "job-{job}:\n  script: ['true']");
        }
        self.origin.push(".gitlab-ci.yml", &text, "refs/heads/b0")?;
        let specs: Vec<String> = (1..branches)
            .map(|at| format!("HEAD:refs/heads/b{at}"))
            .collect();
        if specs.is_empty() {
            return Ok(());
        }
        let mut args = vec!["push", "-q", "../origin.git"];
        args.extend(specs.iter().map(String::as_str));
        git(&self.origin.work(), &args)?;
        Ok(())
    }

    /// Makes a project of the repository, and a runner for all projects; the runner's token, and what the API tells of the project.
    pub(super) async fn furnish(&self) -> Result<(String, Value)> {
        let api = self.api();
        let project =
            json!({"path": "group/bench", "git_url": self.repository(), "interval_ms": 200});
        let project = api.post("/projects", &project).await?;
        let runner = api
            .post("/runners", &json!({"description": "bench"}))
            .await?;
        let token = runner["token"].as_str().unwrap_or_default().to_owned();
        Ok((token, project))
    }

    /// Resident memory now and at its highest so far, in MB (10^6 bytes).
    pub(super) fn megabytes(&self) -> Result<(f64, f64)> {
        let status = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(&status).at(Path::new(&status))?;
        resident(&text)
            .zip(high_water_mark(&text))
            .ok_or_else(|| Error::Unexpected(format!("{status} tells no memory")))
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

fn serve(aqueduct: &Path, listen: SocketAddr, dir: &Path, database: Option<&str>) -> Result<Child> {
    let out = dir.join("out");
    let mut command = Command::new(aqueduct);
    command.args(["serve", "--listen", &listen.to_string(), "--data"]);
    command.arg(dir.join("data"));
    if let Some(url) = database {
        command.args(["--database", url]);
    }
    command.stdout(File::create(&out).at(&out)?);
    command.stderr(Stdio::null()).spawn().at(aqueduct)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn admin_token(out: &Path) -> Result<String> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let text = fs::read_to_string(out).at(out)?;
        if let Some(token) = text.lines().next().and_then(|line| line.rsplit(' ').next())
            && text.ends_with('\n')
        {
            return Ok(token.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(Error::Unexpected("aqueduct serve told no token".into()))
}
