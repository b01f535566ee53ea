//! Jobs in containers, without a daemon.

pub(crate) mod starter;

use std::path::PathBuf;

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

use crate::{attempt::Attempts, host::native_arch};

/// Settings of [`OciExecutor`].
#[derive(Clone, Debug)]
pub struct OciConfig {
    /// Directory for what is kept about running attempts, their writable layers included; made when needed. Must not
    /// itself lie on overlayfs.
    pub state_dir: PathBuf,
    /// Directory of the image store, shared by all processes of the user; made when needed.
    pub store_dir: PathBuf,
    /// Directory that a relative `oci:PATH:TAG` is meant from.
    pub project_dir: PathBuf,
    /// Registries (`host[:port]`) spoken to without TLS; loopback addresses always are.
    pub insecure_registries: Vec<String>,
    /// Names every architecture in the capabilities, so that a job for one that can't run here is refused with the
    /// reason instead of waiting for another runner: right for a local run, wrong for one runner among many.
    pub claim_all_archs: bool,
    /// The program to start as [`crate::child`]; this one.
    pub program: PathBuf,
}

impl OciConfig {
    /// Defaults.
    pub fn new(state_dir: PathBuf, store_dir: PathBuf) -> Self {
        Self {
            state_dir,
            store_dir,
            project_dir: PathBuf::from("."),
            insecure_registries: Vec::new(),
            claim_all_archs: false,
            // Names the running file even after an upgrade replaced it.
            program: PathBuf::from("/proc/self/exe"),
        }
    }
}

/// Runs jobs in containers.
#[derive(Debug)]
pub struct OciExecutor {
    config: OciConfig,
    attempts: Attempts,
}

impl OciExecutor {
    /// An executor that makes nothing before its first attempt.
    pub fn new(config: OciConfig) -> Self {
        Self {
            attempts: Attempts::new("oci", config.state_dir.clone()),
            config,
        }
    }
}

#[async_trait]
impl Executor for OciExecutor {
    async fn capabilities(&self) -> Result<Capabilities, ExecError> {
        let here = native_arch()?;
        Ok(Capabilities {
            executor: "oci".into(),
            platforms: Arch::ALL
                .into_iter()
                .filter(|arch| self.config.claim_all_archs || *arch == here)
                .map(|arch| PlatformSupport {
                    arch,
                    emulated: arch != here,
                })
                .collect(),
        })
    }

    async fn ensure(&self, _spec: &JobSpec) -> Result<Handle, ExecError> {
        Err(ExecError::Refused(Verdict::new(
            VerdictKind::RunnerUnsupported,
            "containers are not in this build",
        )))
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
