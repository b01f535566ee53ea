//! Watching one process from start to exit: its output, its deadline, the wish to stop it.

use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use nix::{libc, unistd::Pid};
use rustix::process::{PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid};
use tokio::{
    io::{AsyncReadExt, Interest, unix::AsyncFd},
    net::unix::pipe,
    sync::watch,
    time::sleep_until,
};

use crate::{
    journal::Journal,
    stop::{Stop, remaining},
};

/// How long output may still come from processes that are being killed.
const LAST_WORDS: Duration = Duration::from_millis(500);
const CHUNK: usize = 64 * 1024;

/// Who made a process end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// Nobody.
    Itself,
    /// Its deadline.
    Timeout,
    /// Somebody who cancelled.
    Cancel,
}

/// How to end a process and all it started. Called from async code: must be quick.
pub(crate) trait Target: Sync {
    /// Asks politely.
    fn terminate(&self);
    /// Doesn't ask.
    fn kill(&self);
}

/// When a process must end.
pub(crate) struct Limits {
    /// SIGTERM then.
    pub(crate) deadline: Instant,
    /// SIGKILL this long after the deadline.
    pub(crate) grace: Duration,
    /// Or when this says so.
    pub(crate) stop: watch::Receiver<Option<Stop>>,
}

/// A child of ours, its exit not yet taken note of.
pub(crate) struct Child {
    pidfd: AsyncFd<OwnedFd>,
}

impl Child {
    /// Watches `pid`, which must be a child that nobody else waits for.
    pub(crate) fn adopt(pid: Pid) -> io::Result<Self> {
        let raw = rustix::process::Pid::from_raw(pid.as_raw())
            .ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
        let pidfd = pidfd_open(raw, PidfdFlags::NONBLOCK)?;
        #[expect(
            unsafe_code,
            reason = "tokio has no safe way in for its own traits' sake"
        )]
        // SAFETY: an `OwnedFd` stays open, and the same, until the `AsyncFd` that owns it is dropped.
        let pidfd = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?;
        Ok(Self { pidfd })
    }

    /// Resolves when it has exited; it stays a zombie, so its number can't be given to another process.
    pub(crate) async fn exited(&self) -> io::Result<()> {
        self.pidfd.readable().await.map(drop)
    }

    /// Exit code, 128 + n for signal n. Only after [`Self::exited`].
    pub(crate) fn reap(&self) -> io::Result<i32> {
        use std::os::fd::AsFd;
        let status = waitid(
            WaitId::PidFd(self.pidfd.get_ref().as_fd()),
            WaitIdOptions::EXITED,
        )?;
        Ok(status.as_ref().map_or(-1, exit_code))
    }
}

fn exit_code(status: &WaitIdStatus) -> i32 {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

/// A process's output on its way into the journal.
pub(crate) struct Output {
    pipe: pipe::Receiver,
    buffer: Box<[u8]>,
    open: bool,
}

impl Output {
    /// Reads from `pipe`.
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            pipe: pipe::Receiver::from_owned_fd(pipe)?,
            buffer: vec![0; CHUNK].into(),
            open: true,
        })
    }

    /// One read; marks the end.
    async fn copy_some(&mut self, journal: &Journal) {
        match self.pipe.read(&mut self.buffer).await {
            Ok(0) | Err(_) => self.open = false,
            Ok(n) => journal.output(&self.buffer[..n]),
        }
    }

    /// What is in the pipe now: all that an exited process wrote.
    pub(crate) fn drain(&mut self, journal: &Journal) {
        while self.open {
            match self.pipe.try_read(&mut self.buffer) {
                Ok(0) => self.open = false,
                Ok(n) => journal.output(&self.buffer[..n]),
                Err(_) => return,
            }
        }
    }

    /// What comes until every writer is gone, but not for ever: the writers have been killed.
    pub(crate) async fn finish(&mut self, journal: &Journal) {
        let deadline = tokio::time::Instant::now() + LAST_WORDS;
        while self.open {
            tokio::select! {
                () = self.copy_some(journal) => {}
                () = sleep_until(deadline) => return,
            }
        }
    }
}

/// Copies output until the child has exited, ending it when its time is up or somebody wants it.
pub(crate) async fn supervise(
    child: &Child,
    output: &mut Output,
    journal: &Journal,
    target: &dyn Target,
    mut limits: Limits,
) -> io::Result<EndedBy> {
    let mut ended_by = EndedBy::Itself;
    let mut kill_at = None;
    let mut heard = None;
    loop {
        let next = kill_at.unwrap_or(limits.deadline);
        tokio::select! {
            exited = child.exited() => {
                exited?;
                output.drain(journal);
                return Ok(ended_by);
            }
            () = output.copy_some(journal), if output.open => {}
            stop = wanted(&mut limits.stop, heard) => {
                heard = Some(stop);
                if ended_by == EndedBy::Itself {
                    ended_by = EndedBy::Cancel;
                    target.terminate();
                }
                kill_at = Some(kill_at.map_or(stop.kill_at, |at| stop.kill_at.min(at)));
            }
            () = tokio::time::sleep(remaining(next)) => {
                if kill_at.is_some() {
                    target.kill();
                    // Again and again: what is killed may have forked meanwhile.
                    kill_at = Some(Instant::now() + Duration::from_millis(100));
                } else {
                    ended_by = EndedBy::Timeout;
                    target.terminate();
                    kill_at = Some(Instant::now() + limits.grace);
                }
            }
        }
    }
}

/// The next wish to stop that was not `heard` yet, also one from before the call. A wish stands for as long as the
/// attempt does: answering it twice would spin until the child is gone.
async fn wanted(stop: &mut watch::Receiver<Option<Stop>>, heard: Option<Stop>) -> Stop {
    loop {
        let wish = *stop.borrow_and_update();
        if let Some(wish) = wish.filter(|wish| Some(*wish) != heard) {
            return wish;
        }
        if stop.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A pipe whose ends children don't inherit: (read, write).
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(nix::fcntl::OFlag::from_bits_retain(
        libc::O_CLOEXEC,
    ))?)
}
