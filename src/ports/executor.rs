//! What a runner starts a job with: host process, OCI container, later a Kubernetes pod.

use std::path::PathBuf;

use aqueduct_core::{
    id::AttemptKey,
    plan::Image,
    platform::{Arch, Platform},
    time::Millis,
    verdict::Verdict,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// Starts, watches and removes attempts.
///
/// Order of calls for one attempt: `ensure`, `attach`, any number of `cancel`, `destroy`. All verbs may be
/// called from several tasks at once, for different attempts and for the same one.
#[async_trait]
pub trait Executor: Send + Sync {
    /// What it can run, here and now. Cheap; called before each lease.
    async fn capabilities(&self) -> Result<Capabilities, ExecError>;

    /// Finds or creates the attempt and starts it. Idempotent by [`JobSpec::key`]: a second call
    /// returns the same handle and starts nothing.
    async fn ensure(&self, spec: &JobSpec) -> Result<Handle, ExecError>;

    /// The attempt's events from its beginning on. The last one is always [`ExecEvent::Ended`], then the
    /// channel closes. Dropping the receiver doesn't cancel the attempt.
    async fn attach(&self, handle: &Handle) -> Result<mpsc::Receiver<ExecEvent>, ExecError>;

    /// Asks the attempt to stop: SIGTERM to the whole process group, SIGKILL after `grace`. Returns at once; the
    /// end shows in the events. Legal, and without effect, once it has ended.
    async fn cancel(&self, handle: &Handle, grace: Millis) -> Result<(), ExecError>;

    /// Kills what is left and removes everything made for the attempt but its working copy. Idempotent, and
    /// legal after a failed `ensure`.
    async fn destroy(&self, handle: &Handle) -> Result<(), ExecError>;

    /// Every attempt of any process that left something behind, for the sweep.
    async fn list(&self) -> Result<Vec<Handle>, ExecError>;
}

/// What an executor can run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// `host`, `oci`, `kubernetes`, `release`.
    pub executor: String,
    /// Architectures it can run, natively or emulated.
    pub platforms: Vec<PlatformSupport>,
}

/// One architecture an executor can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformSupport {
    /// Which.
    pub arch: Arch,
    /// Through binfmt_misc and qemu.
    pub emulated: bool,
}

/// Everything an executor must know to run an attempt. All variables are expanded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Identity of the attempt.
    pub key: AttemptKey,
    /// The job's name, for messages.
    pub name: String,
    /// The image; `None` runs on the machine itself.
    pub image: Option<Image>,
    /// The architecture asked for; `None` takes the machine's.
    pub arch: Option<Arch>,
    /// The working copy on this machine; it exists, and belongs to this attempt alone.
    pub workdir: PathBuf,
    /// Where the job sees it (`CI_PROJECT_DIR`); equal to `workdir` on the host.
    pub project_dir: PathBuf,
    /// A directory beside the working copy for file variables; the job sees it at `tmp_dir_inside`.
    pub tmp_dir: PathBuf,
    /// Where the job sees `tmp_dir`; equal on the host.
    pub tmp_dir_inside: PathBuf,
    /// The job's environment, nothing of the runner's own but what the executor must add (`PATH`, `HOME`).
    pub env: Vec<(String, String)>,
    /// Run in order, each in a shell of its own; the first is the one that decides. Later ones also run when the first
    /// failed or was cancelled (a second `cancel` stops them too), and see `CI_JOB_STATUS` (`success`, `failed`,
    /// `canceled`) in their environment.
    pub phases: Vec<Phase>,
    /// Deadline of the first phase, counted from its start.
    pub timeout: Millis,
    /// Between SIGTERM and SIGKILL.
    pub grace: Millis,
    /// Memory limit in bytes, where the executor can enforce one.
    pub memory_limit: Option<u64>,
}

/// One shell run of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// `step_script` or `after_script`: GitLab's section names.
    pub name: String,
    /// Shell text for bash, or for a POSIX shell where the image has no bash; fed on standard input or as a file, never
    /// as an argument (it may be longer than a command line).
    pub script: String,
    /// Deadline of a later phase; the first has the job's.
    pub timeout: Millis,
    /// For a later phase: also runs when the first one hit its deadline.
    pub after_timeout: bool,
}

/// Names an attempt that an executor made. Survives a restart of its maker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle {
    /// Identity of the attempt.
    pub key: AttemptKey,
    /// The executor's own name for it (a path, a pod name).
    pub id: String,
}

/// What an attempt tells, in order.
#[derive(Clone, Debug)]
pub enum ExecEvent {
    /// Where it runs.
    Placed(Placement),
    /// Something worth a line in the trace before the script starts ("pulling image …").
    Notice(String),
    /// A phase started.
    PhaseStarted(String),
    /// Output of the job, standard output and error in one stream, as it comes.
    Output(Bytes),
    /// A phase ended with this exit code (128 + n for signal n).
    PhaseEnded {
        /// The phase's name.
        phase: String,
        /// Its exit code.
        exit_code: i32,
    },
    /// It is over; nothing follows.
    Ended(Outcome),
}

/// Where an attempt runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// `host`, `oci`, …
    pub executor: String,
    /// The architecture that its programs are for.
    pub arch: Arch,
    /// Through qemu.
    pub emulated: bool,
    /// The image's manifest digest, where there is one.
    pub image_digest: Option<String>,
    /// The image's platform, where there is one.
    pub platform: Option<Platform>,
}

/// How an attempt ended. Success needs the supervisor's own exit record: a vanished process is never one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// `None` is success.
    pub verdict: Option<Verdict>,
    /// Exit code of the first phase, where it got that far.
    pub exit_code: Option<i32>,
    /// Peak memory in bytes, where it was measured.
    pub peak_memory: Option<u64>,
}

/// An executor's own failure: never the script's.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExecError {
    /// The attempt can't start, and the verdict says why and whom that blames.
    #[error("{0}")]
    Refused(Verdict),
    /// The machine failed; trying again may help.
    #[error("{0}")]
    Machine(String),
}

impl ExecError {
    /// The verdict a job gets from it.
    pub fn into_verdict(self) -> Verdict {
        match self {
            Self::Refused(verdict) => verdict,
            Self::Machine(cause) => {
                Verdict::new(aqueduct_core::verdict::VerdictKind::Internal, cause)
                    .with_hint("check free disk space and permissions of the state directory")
            }
        }
    }
}
