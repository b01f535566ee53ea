//! One attempt on the host.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::Arc,
};

use aqueduct_core::{
    platform::Arch,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::executor::{ExecEvent, JobSpec, Outcome, Phase, Placement};
use async_trait::async_trait;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::{
    script::{self, Script},
    shell::Shells,
    spawn::{Descriptors, Program, c_env, c_path},
};
use crate::{
    attempt::Attempt,
    phases::{PhaseEnd, PhaseRunner, Turn, run_phases},
    process::{Identity, Since, kill_marked, marked, signal_all},
    supervise::{Child, Limits, Output, Target, pipe, supervise},
};

/// Runs the whole attempt.
pub(super) async fn run(
    attempt: Arc<Attempt>,
    spec: JobSpec,
    arch: Arch,
    env: Vec<(String, String)>,
    shells: Arc<Shells>,
) -> Outcome {
    attempt.journal.push(ExecEvent::Placed(Placement {
        executor: "host".into(),
        arch,
        emulated: false,
        image_digest: None,
        platform: None,
    }));
    let job = Job {
        attempt: &attempt,
        spec: &spec,
        env: &env,
        shells: &shells,
    };
    run_phases(&attempt, &spec, &job).await
}

struct Job<'a> {
    attempt: &'a Attempt,
    spec: &'a JobSpec,
    env: &'a [(String, String)],
    shells: &'a Shells,
}

#[async_trait]
impl PhaseRunner for Job<'_> {
    async fn run(&self, phase: &Phase, turn: Turn) -> Result<PhaseEnd, Verdict> {
        let shell = self.shells.find(self.env).ok_or_else(|| {
            Verdict::new(
                VerdictKind::RunnerUnsupported,
                "neither bash nor sh is on the job's PATH",
            )
            .with_hint("install a shell, or correct the job's PATH")
        })?;
        self.run_shell(phase, &shell, turn).await.map_err(|error| {
            let cause = format!(
                "can't run {} in {}: {error}",
                phase.name,
                self.spec.workdir.display()
            );
            if error.kind() == io::ErrorKind::ArgumentListTooLong {
                return Verdict::new(VerdictKind::ConfigInvalid, cause).with_hint(
                    "the job's variables are too long for a process: hand large ones over as files",
                );
            }
            Verdict::new(VerdictKind::Internal, cause)
        })
    }
}

impl Job<'_> {
    async fn run_shell(&self, phase: &Phase, shell: &Path, turn: Turn) -> io::Result<PhaseEnd> {
        let script = Script::new(&phase.script)?;
        let program = Program {
            path: shell,
            args: vec![c_path(shell)?, script::PATH.to_owned()],
            env: c_env(&turn.env(self.env))?,
            dir: &self.spec.workdir,
        };
        let (read, write) = pipe()?;
        let pid = program.spawn(Descriptors {
            input: None,
            output: write.as_fd(),
            script: Some(script.as_fd()),
        })?;
        drop(write);
        let session = Session {
            leader: pid,
            marker: &self.attempt.marker,
            since: Since::now(pid),
        };
        let end = self.watch(&session, read, turn).await;
        if end.is_err() {
            // A machine that can't even watch it must not keep it.
            session.clear().await;
        }
        end
    }

    async fn watch(
        &self,
        session: &Session<'_>,
        read: OwnedFd,
        turn: Turn,
    ) -> io::Result<PhaseEnd> {
        let child = Child::adopt(session.leader)?;
        if let Some(identity) = Identity::of(session.leader) {
            self.attempt.record(identity)?;
        }
        let mut output = Output::new(read)?;
        let limits = Limits {
            deadline: turn.deadline,
            grace: self.spec.grace.to_std(),
            stop: self.attempt.stop.subscribe(),
        };
        let journal = &self.attempt.journal;
        let ended_by = supervise(&child, &mut output, journal, session, limits).await?;
        session.clear().await;
        output.finish(journal).await;
        let exit_code = child.reap()?;
        self.attempt.processes_gone();
        Ok(PhaseEnd {
            exit_code,
            ended_by,
            peak_memory: None,
            out_of_memory: false,
        })
    }
}

/// The shell's session and whatever escaped from it.
struct Session<'a> {
    leader: Pid,
    marker: &'a str,
    since: Since,
}

impl Target for Session<'_> {
    fn terminate(&self) {
        signal_all(self.leader, self.marker, Some(self.since), Signal::SIGTERM);
    }

    fn kill(&self) {
        signal_all(self.leader, self.marker, Some(self.since), Signal::SIGKILL);
    }
}

impl Session<'_> {
    /// Kills what the shell left running, as the end of a container would. The shell is not reaped yet, so its number
    /// can't be another group's.
    async fn clear(&self) {
        let _ = killpg(self.leader, Signal::SIGKILL);
        if marked(self.marker, Some(self.since)).is_empty() {
            return;
        }
        let (marker, since) = (self.marker.to_owned(), self.since);
        let _ = tokio::task::spawn_blocking(move || kill_marked(&marker, Some(since))).await;
    }
}
