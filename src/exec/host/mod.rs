//! Jobs as processes of this machine.
//!
//! A phase is one shell in a session of its own. All its descendants carry a marker in their environment, so that
//! also those that left the session are signalled, and found by the sweep after a crash.

mod job;
mod script;
mod shell;
mod spawn;

pub(crate) use spawn::{Descriptors, Program, c_env};

use std::{path::PathBuf, sync::Arc};

use aqueduct_core::{
    platform::Arch,
    time::Millis,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::executor::{
    Capabilities, ExecError, ExecEvent, Executor, Handle, JobSpec, PlatformSupport,
};
use async_trait::async_trait;
use tokio::sync::mpsc;

use self::shell::Shells;
use crate::attempt::Attempts;

/// Settings of [`HostExecutor`].
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Directory for what is kept about running attempts; made when needed.
    pub state_dir: PathBuf,
    /// Variables of the machine that every job gets, below the job's own.
    pub env: Vec<(String, String)>,
    /// Names every architecture in the capabilities, so that a job for a foreign one is refused with the reason instead
    /// of waiting for another runner: right for a local run, wrong for one runner among many.
    pub claim_all_archs: bool,
}

impl HostConfig {
    /// Defaults; the machine's variables are taken from this process's environment.
    pub fn new(state_dir: PathBuf) -> Self {
        Self {
            state_dir,
            env: shell::machine_env(std::env::vars()),
            claim_all_archs: false,
        }
    }

    /// Lets jobs find the programs of `directory`, after those of the machine's own `PATH`.
    pub fn add_to_path(&mut self, directory: &str) {
        shell::add_to_path(&mut self.env, directory);
    }
}

/// Runs jobs as child processes.
#[derive(Debug)]
pub struct HostExecutor {
    config: HostConfig,
    inherited_marker: Option<String>,
    attempts: Attempts,
    shells: Arc<Shells>,
}

impl HostExecutor {
    /// An executor that makes nothing before its first attempt.
    pub fn new(config: HostConfig) -> Self {
        Self {
            inherited_marker: std::env::var(crate::process::MARKER).ok(),
            attempts: Attempts::new("host", config.state_dir.clone()),
            shells: Arc::default(),
            config,
        }
    }

    fn check(spec: &JobSpec) -> Result<Arch, ExecError> {
        let here = native_arch()?;
        match spec.arch {
            Some(arch) if arch != here => Err(ExecError::Refused(foreign(arch, here))),
            _ => Ok(here),
        }
    }
}

#[async_trait]
impl Executor for HostExecutor {
    async fn capabilities(&self) -> Result<Capabilities, ExecError> {
        let here = native_arch()?;
        Ok(Capabilities {
            executor: "host".into(),
            platforms: Arch::ALL
                .into_iter()
                .filter(|arch| self.config.claim_all_archs || *arch == here)
                .map(|arch| PlatformSupport {
                    arch,
                    emulated: false,
                })
                .collect(),
        })
    }

    async fn ensure(&self, spec: &JobSpec) -> Result<Handle, ExecError> {
        let arch = Self::check(spec)?;
        self.attempts.ensure(spec.key, |attempt| {
            let env = shell::job_env(
                &self.config.env,
                &spec.env,
                self.inherited_marker.as_deref(),
                &attempt.marker,
            );
            job::run(attempt, spec.clone(), arch, env, Arc::clone(&self.shells))
        })
    }

    async fn attach(&self, handle: &Handle) -> Result<mpsc::Receiver<ExecEvent>, ExecError> {
        self.attempts.attach(handle)
    }

    async fn cancel(&self, handle: &Handle, grace: Millis) -> Result<(), ExecError> {
        self.attempts.cancel(handle, grace);
        Ok(())
    }

    async fn destroy(&self, handle: &Handle) -> Result<(), ExecError> {
        self.attempts.destroy(handle).await
    }

    async fn list(&self) -> Result<Vec<Handle>, ExecError> {
        self.attempts.list()
    }
}

/// The machine's architecture, if jobs can name it.
pub(crate) fn native_arch() -> Result<Arch, ExecError> {
    let name = std::env::consts::ARCH;
    Arch::parse(name).ok_or_else(|| {
        ExecError::Refused(Verdict::new(
            VerdictKind::RunnerUnsupported,
            format!("this machine's architecture {name} is neither amd64 nor arm64"),
        ))
    })
}

/// Why processes of this machine can't do jobs for `arch`; `None` if they can.
pub fn arch_problem(arch: Arch) -> Option<Verdict> {
    match native_arch() {
        Ok(here) => (here != arch).then(|| foreign(arch, here)),
        Err(error) => Some(error.into_verdict()),
    }
}

fn foreign(wanted: Arch, here: Arch) -> Verdict {
    Verdict::new(
        VerdictKind::RunnerUnsupported,
        format!("the job is for {wanted}, and processes of this machine run as {here}"),
    )
    .with_hint(format!(
        "give the job an `image`, so that it runs in a container for {wanted}, or run it on an {wanted} machine"
    ))
}
