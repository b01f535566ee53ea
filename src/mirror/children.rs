//! Child processes with a deadline, bounded output, and nothing left behind.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use bytes::BytesMut;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

/// How much of the end of standard error is kept, in bytes.
const WORDS: usize = 8 << 10;
/// How often the watch is asked.
const TICK: Duration = Duration::from_secs(1);

/// A child that leads a process group, which is killed as a whole unless it was waited for.
pub(crate) struct Group {
    pub(crate) child: Child,
    leader: Option<Pid>,
}

impl Group {
    /// Starts the command, which must have a process group of its own.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Ok(Self { child, leader })
    }

    /// Waits for its end. Its number may be another's from then on.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.leader = None;
        Ok(status)
    }

    /// Kills it with all its children.
    pub(crate) fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            // Fails only if there is nobody left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a child may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Until it must have ended.
    pub(crate) time: Duration,
    /// Most bytes of standard output.
    pub(crate) output: usize,
}

/// What became of a child that ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) output: Vec<u8>,
    /// The end of its standard error.
    pub(crate) words: String,
}

/// Why a child was not left to its end.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// It could not be started or read.
    Io(io::Error),
    /// It took too long.
    Late(Duration),
    /// It wrote or fetched more bytes than this.
    TooMuch(u64),
}

/// Runs a command to its end, within its bounds, with `input` as its standard input. `exceeded` is asked each second for a limit that it went beyond.
pub(crate) async fn run(
    command: &mut Command,
    input: &[u8],
    bounds: Bounds,
    exceeded: impl Fn() -> Option<u64> + Send,
) -> Result<Ended, Stopped> {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut group = Group::spawn(command).map_err(Stopped::Io)?;
    let stdin = group.child.stdin.take();
    let output = group.child.stdout.take();
    let words = group.child.stderr.take();
    let work = async {
        let all = async {
            tokio::try_join!(
                feed(stdin, input),
                at_most(output, bounds.output),
                last(words)
            )
        };
        let ((), output, words) = tokio::select! {
            all = all => all?,
            limit = beyond(exceeded) => return Err(Stopped::TooMuch(limit)),
        };
        let status = group.wait().await.map_err(Stopped::Io)?;
        Ok(Ended {
            success: status.success(),
            output,
            words,
        })
    };
    timeout(bounds.time, work)
        .await
        .unwrap_or(Err(Stopped::Late(bounds.time)))
}

async fn beyond(exceeded: impl Fn() -> Option<u64> + Send) -> u64 {
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(limit) = exceeded() {
            return limit;
        }
    }
}

/// A child that doesn't read to the end has its reasons, and tells them elsewhere.
async fn feed(to: Option<ChildStdin>, input: &[u8]) -> Result<(), Stopped> {
    if let Some(mut to) = to {
        let _ = to.write_all(input).await;
    }
    Ok(())
}

async fn at_most(from: Option<impl AsyncRead + Unpin>, limit: usize) -> Result<Vec<u8>, Stopped> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let mut from = from.take(limit as u64 + 1);
        from.read_to_end(&mut bytes).await.map_err(Stopped::Io)?;
    }
    if bytes.len() > limit {
        return Err(Stopped::TooMuch(limit as u64));
    }
    Ok(bytes)
}

/// The last of what comes; all of it is read, so that the child never waits.
pub(crate) async fn last(from: Option<impl AsyncRead + Unpin>) -> Result<String, Stopped> {
    let mut kept = BytesMut::new();
    if let Some(mut from) = from {
        while from.read_buf(&mut kept).await.map_err(Stopped::Io)? > 0 {
            let excess = kept.len().saturating_sub(WORDS);
            let _ = kept.split_to(excess);
        }
    }
    Ok(String::from_utf8_lossy(&kept).into_owned())
}
