//! One attempt in containers: the image, then a container per phase on the same writable layer.

use std::{
    ffi::CString,
    fs,
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::{fs::PermissionsExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aqueduct_core::{
    image::Reference,
    plan::Image,
    platform::{Arch, Platform},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::executor::{ExecEvent, JobSpec, Outcome, Phase, Placement};
use async_trait::async_trait;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    OciConfig, cgroup,
    protocol::{Bind, Failure, FailureKind, KILL, Order, Report, TERMINATE, receive, send},
    store::{ImageStore, LocalImage, Wanted, anchored},
};
use crate::{
    attempt::{Attempt, refused},
    child::STARTER,
    host::{Descriptors, Program},
    phases::{PhaseEnd, PhaseRunner, Turn, canceled, run_phases},
    process::{Identity, MARKER},
    supervise::{Child, EndedBy, Limits, Output, Target, pipe, supervise},
};

/// Used where the image sets none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Times that a starter is told to kill its container before it is killed itself, a tenth of a second apart.
const PATIENCE: u32 = 30;

/// What all attempts of an executor share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: OciConfig,
    pub(super) store: ImageStore,
}

/// Runs the whole attempt.
pub(super) async fn run(
    shared: Arc<Shared>,
    attempt: Arc<Attempt>,
    spec: JobSpec,
    arch: Arch,
    emulated: bool,
) -> Outcome {
    let Some(image) = &spec.image else {
        let verdict = Verdict::new(VerdictKind::RunnerUnsupported, "the job has no image")
            .with_hint("give it an `image`, or run it with `--executor host`");
        return refused(verdict);
    };
    let local = tokio::select! {
        local = get_image(&shared, &attempt, image, arch) => local,
        () = attempt.stop.wanted() => Err(canceled()),
    };
    let local = match local {
        Ok(local) => local,
        Err(verdict) => return refused(verdict),
    };
    attempt.journal.push(ExecEvent::Placed(Placement {
        executor: "oci".into(),
        arch,
        emulated,
        image_digest: Some(local.digest.clone()),
        platform: Some(local.platform.clone()),
    }));
    let job = Job {
        shared: &shared,
        attempt: &attempt,
        spec: &spec,
        image,
        local: &local,
    };
    run_phases(&attempt, &spec, &job).await
}

async fn get_image(
    shared: &Shared,
    attempt: &Attempt,
    image: &Image,
    arch: Arch,
) -> Result<LocalImage, Verdict> {
    let invalid = |cause: String| Verdict::new(VerdictKind::ConfigInvalid, cause);
    let reference: Reference = image
        .name
        .parse()
        .map_err(|error| invalid(format!("{error}")))?;
    let reference = anchored(reference, &shared.config.project_dir);
    let platform = match &image.platform {
        None => Platform::linux(arch),
        Some(text) => Platform::parse(text)
            .filter(|platform| platform.arch() == Some(arch))
            .ok_or_else(|| {
                invalid(format!(
                    "`{text}` is not a platform of {arch}, which the job runs on"
                ))
            })?,
    };
    let wanted = Wanted {
        name: &image.name,
        reference: &reference,
        platform: &platform,
        policies: &image.pull_policy,
    };
    let notice = |text| attempt.journal.push(ExecEvent::Notice(text));
    shared.store.image(wanted, &notice).await
}

struct Job<'a> {
    shared: &'a Shared,
    attempt: &'a Attempt,
    spec: &'a JobSpec,
    image: &'a Image,
    local: &'a LocalImage,
}

#[async_trait]
impl PhaseRunner for Job<'_> {
    async fn run(&self, phase: &Phase, turn: Turn) -> Result<PhaseEnd, Verdict> {
        let order = self.order(turn);
        let machine = |error: io::Error| {
            let cause = format!("can't run {} in a container: {error}", phase.name);
            Verdict::new(VerdictKind::Internal, cause)
        };
        self.prepare(&order, phase, turn).map_err(machine)?;
        self.run_container(&order, turn).await.map_err(machine)?
    }
}

impl Job<'_> {
    fn order(&self, turn: Turn) -> Order {
        let entrypoint = self.image.entrypoint.clone();
        Order {
            id: format!(
                "aqueduct-{}-{}",
                self.attempt.marker.replace('/', "-"),
                turn.index
            ),
            dir: self.attempt.dir.clone(),
            layers_dir: self.shared.store.layers_dir(),
            layers: self.local.layers.clone(),
            binds: self.binds(),
            cwd: self.spec.project_dir.clone(),
            env: self.env(turn),
            user: self
                .image
                .user
                .clone()
                .unwrap_or_else(|| self.local.config.user.clone()),
            // GitLab's `entrypoint: [""]` clears the image's.
            entrypoint: entrypoint
                .or_else(|| self.local.config.entrypoint.clone())
                .unwrap_or_default()
                .into_iter()
                .skip_while(String::is_empty)
                .collect(),
            script: self.spec.tmp_dir_inside.join(script_name(turn)),
            memory_limit: self.spec.memory_limit,
        }
    }

    /// The image's variables below the job's.
    fn env(&self, turn: Turn) -> Vec<(String, String)> {
        let job = turn.env(&self.spec.env);
        let mut env: Vec<(String, String)> = Vec::new();
        let image = self.local.config.env.iter().flatten();
        for (name, value) in image
            .filter_map(|entry| entry.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .chain(job)
        {
            env.retain(|(other, _)| *other != name);
            env.push((name, value));
        }
        if !env.iter().any(|(name, _)| name == "PATH") {
            env.push(("PATH".into(), DEFAULT_PATH.into()));
        }
        env
    }

    fn binds(&self) -> Vec<Bind> {
        let spec = self.spec;
        let mut binds = vec![
            Bind {
                source: spec.workdir.clone(),
                target: spec.project_dir.clone(),
                give: true,
            },
            Bind {
                source: spec.tmp_dir.clone(),
                target: spec.tmp_dir_inside.clone(),
                give: true,
            },
        ];
        for name in ["resolv.conf", "hosts"] {
            let copy = self.attempt.dir.join(name);
            if copy.exists() {
                binds.push(Bind {
                    source: copy,
                    target: Path::new("/etc").join(name),
                    give: false,
                });
            }
        }
        binds
    }

    /// Everything on disk that the container needs.
    fn prepare(&self, order: &Order, phase: &Phase, turn: Turn) -> io::Result<()> {
        let script = self.spec.tmp_dir.join(script_name(turn));
        fs::create_dir_all(&self.spec.tmp_dir)?;
        // A job may have left a link here.
        let _ = fs::remove_file(&script);
        fs::write(&script, &phase.script)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o644))?;
        // Before the cgroup is made, so that a sweep knows of it.
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.attempt.dir.join(cgroup::RECORD))?
            .write_all(format!("{}\n", order.id).as_bytes())
    }

    async fn run_container(
        &self,
        order: &Order,
        turn: Turn,
    ) -> io::Result<Result<PhaseEnd, Verdict>> {
        let (read, write) = pipe()?;
        let (mut socket, theirs) = UnixStream::pair()?;
        let program = Program {
            path: &self.shared.config.program,
            args: vec![c"aqueduct".to_owned(), CString::new(STARTER)?],
            env: vec![CString::new(format!("{MARKER}={}", self.attempt.marker))?],
            dir: Path::new("/"),
        };
        let pid = program.spawn(Descriptors {
            input: Some(theirs.as_fd()),
            output: write.as_fd(),
            script: None,
        })?;
        drop((write, theirs));
        if let Some(identity) = Identity::of(pid) {
            self.attempt.record(identity)?;
        }
        let child = Child::adopt(pid)?;
        let mut output = Output::new(read)?;
        let starter = Starter {
            socket: socket.try_clone()?,
            pid,
            kills: AtomicU32::new(0),
        };
        send(&mut socket, order)?;
        let limits = Limits {
            deadline: turn.deadline,
            grace: self.spec.grace.to_std(),
            stop: self.attempt.stop.subscribe(),
        };
        let journal = &self.attempt.journal;
        let ended_by = supervise(&child, &mut output, journal, &starter, limits).await?;
        output.finish(journal).await;
        let status = child.reap()?;
        socket.set_nonblocking(true)?;
        let report = match receive::<Report>(&mut socket) {
            Ok(report) => report,
            // It hung and was killed: that is the end it was to have.
            Err(_) if ended_by != EndedBy::Itself => Report::Exited {
                exit_code: 137,
                peak_memory: None,
                out_of_memory: false,
            },
            Err(_) => {
                let cause = format!("its starter ended with {status} and no report");
                return Err(io::Error::other(cause));
            }
        };
        Ok(match report {
            Report::Failed(failure) => Err(verdict(&failure, &self.image.name)),
            Report::Exited {
                exit_code,
                peak_memory,
                out_of_memory,
            } => Ok(PhaseEnd {
                exit_code,
                ended_by,
                peak_memory,
                out_of_memory,
            }),
        })
    }
}

/// The container, through its starter.
struct Starter {
    socket: UnixStream,
    pid: Pid,
    kills: AtomicU32,
}

impl Starter {
    fn say(&self, byte: u8) {
        // It may be gone already.
        let _ = (&self.socket).write_all(&[byte]);
    }
}

impl Target for Starter {
    fn terminate(&self) {
        self.say(TERMINATE);
    }

    /// A starter that doesn't listen hangs; the container dies with it, at the latest when the attempt is destroyed.
    fn kill(&self) {
        if self.kills.fetch_add(1, Ordering::Relaxed) < PATIENCE {
            self.say(KILL);
        } else {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

/// Copies of the machine's files about its network: the container may change them.
pub(super) fn copy_network_files(dir: &Path) {
    for name in ["resolv.conf", "hosts"] {
        // A machine without one has containers without one.
        let _ = fs::copy(Path::new("/etc").join(name), dir.join(name));
    }
}

fn script_name(turn: Turn) -> PathBuf {
    format!(".aqueduct-script-{}", turn.index).into()
}

fn verdict(failure: &Failure, image: &str) -> Verdict {
    let kind = match failure.kind {
        FailureKind::NoShell => VerdictKind::ImageNoShell,
        FailureKind::Config => VerdictKind::ConfigInvalid,
        FailureKind::Machine => VerdictKind::Internal,
    };
    let verdict = Verdict::new(kind, format!("{image}: {}", failure.cause));
    match failure.kind {
        FailureKind::Config => {
            verdict.with_hint("correct the job's `image` (user, entrypoint), or use another image")
        }
        FailureKind::NoShell | FailureKind::Machine => verdict,
    }
}
