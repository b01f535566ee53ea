//! Jobs in containers, without a daemon.

mod binfmt;
pub(crate) mod cgroup;
mod init;
mod job;
mod overlay;
mod protocol;
mod seccomp;
mod spec;
pub(crate) mod starter;
mod store;
mod unpack;
mod user;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use aqueduct_core::{
    platform::{Arch, Platform},
    time::Millis,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::executor::{
    Capabilities, ExecError, ExecEvent, Executor, Handle, JobSpec, PlatformSupport,
};
use aqueduct_registry::{Client, ClientOptions};
use async_trait::async_trait;
use nix::unistd::geteuid;
use tokio::sync::mpsc;

use self::{job::Shared, store::ImageStore};
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
    /// How registries are spoken to: their logins, and which of them go without TLS.
    pub registries: ClientOptions,
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
            registries: ClientOptions::default(),
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
    shared: OnceLock<Arc<Shared>>,
}

impl OciExecutor {
    /// An executor that makes nothing before its first attempt.
    pub fn new(config: OciConfig) -> Self {
        Self {
            attempts: Attempts::with_directories("oci", config.state_dir.clone()),
            shared: OnceLock::new(),
            config,
        }
    }

    /// The client for registries is made with the first job that has an image: TLS roots take time to load.
    fn shared(&self) -> Result<Arc<Shared>, ExecError> {
        if let Some(shared) = self.shared.get() {
            return Ok(Arc::clone(shared));
        }
        let client = Client::new(self.config.registries.clone())
            .map_err(|error| ExecError::Machine(error.to_string()))?;
        let shared = self.shared.get_or_init(|| {
            let store = ImageStore::new(self.config.store_dir.clone(), client);
            store.tidy();
            Arc::new(Shared {
                config: self.config.clone(),
                store,
            })
        });
        Ok(Arc::clone(shared))
    }
}

/// Why no container can be started here at all; `None` if nothing is known to be in the way.
pub fn machine_problem() -> Option<Verdict> {
    (!geteuid().is_root()).then(|| {
        Verdict::new(
            VerdictKind::RunnerUnsupported,
            format!(
                "containers need root on this machine: an ordinary user may neither mount overlayfs nor make cgroups ({})",
                if cgroup::is_unified() { "v2, without delegation" } else { "v1" }
            ),
        )
        .with_hint(
            "run aqueduct as root, or run the job without its image with `--executor host`; containers of ordinary \
             users wait for a proof on a machine with cgroup v2",
        )
    })
}

/// The architecture that `image:docker:platform` names, for a job that names none itself.
fn arch_of_image(spec: &JobSpec) -> Option<Arch> {
    let platform = spec.image.as_ref()?.platform.as_deref()?;
    Platform::parse(platform)?.arch()
}

/// Why containers of `arch` can't run here; `None` if they can.
pub fn arch_problem(arch: Arch) -> Option<Verdict> {
    match native_arch() {
        Ok(here) if here == arch => None,
        _ => binfmt::problem(arch),
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
                .filter(|arch| self.config.claim_all_archs || arch_problem(*arch).is_none())
                .map(|arch| PlatformSupport {
                    arch,
                    emulated: arch != here,
                })
                .collect(),
        })
    }

    async fn ensure(&self, spec: &JobSpec) -> Result<Handle, ExecError> {
        let here = native_arch()?;
        let arch = spec.arch.or_else(|| arch_of_image(spec)).unwrap_or(here);
        if let Some(verdict) = machine_problem().or_else(|| arch_problem(arch)) {
            return Err(ExecError::Refused(verdict));
        }
        let shared = self.shared()?;
        self.attempts.ensure(spec.key, |attempt| {
            job::copy_network_files(&attempt.dir);
            job::run(shared, attempt, spec.clone(), arch, arch != here)
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
