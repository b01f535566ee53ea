//! The coordinator that is measured, and the repository that it watches.

use std::{
    fmt::Write as _,
    fs::{self, File},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aqueduct_testkit::origin::{Origin, git};
use tempfile::TempDir;

use super::{super::measure::high_water_mark, api::Api};
use crate::error::{At as _, Error, Result};

/// Longest wait for the coordinator's first word.
const PATIENCE: Duration = Duration::from_secs(20);

/// A coordinator on a free port, ended when this is dropped.
pub(super) struct Server {
    child: Child,
    url: String,
    token: String,
    origin: Origin,
    _dir: TempDir,
}

impl Server {
    pub(super) async fn start(aqueduct: &Path) -> Result<Self> {
        let dir = tempfile::tempdir().at(Path::new("a temporary directory"))?;
        let origin = Origin::new(dir.path())?;
        let free = TcpListener::bind("127.0.0.1:0").at(Path::new("127.0.0.1"))?;
        let listen = free.local_addr().at(Path::new("127.0.0.1"))?.to_string();
        drop(free);
        let out = dir.path().join("out");
        let child = Command::new(aqueduct)
            .args(["serve", "--listen", &listen, "--data"])
            .arg(dir.path().join("data"))
            .stdout(File::create(&out).at(&out)?)
            .stderr(Stdio::null())
            .spawn()
            .at(aqueduct)?;
        let mut server = Self {
            child,
            url: format!("http://{listen}"),
            token: String::new(),
            origin,
            _dir: dir,
        };
        server.token = admin_token(&out).await?;
        server.api().ready().await?;
        // A project's first commit is no push; what follows is.
        server.origin.push("readme", "begin", "refs/heads/main")?;
        Ok(server)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn api(&self) -> Api {
        Api::new(&self.url, &self.token)
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
        let mut args = vec!["push", "-q", "../origin.git"];
        args.extend(specs.iter().map(String::as_str));
        git(&self.origin.work(), &args)?;
        Ok(())
    }

    /// The highest resident memory so far, in MB (10^6 bytes).
    pub(super) fn peak_megabytes(&self) -> Result<f64> {
        let status = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(&status).at(Path::new(&status))?;
        high_water_mark(&text).ok_or_else(|| Error::Unexpected(format!("{status} tells no VmHWM")))
    }
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
