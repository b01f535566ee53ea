//! Hands out a mirror: `git upload-pack` as a stream, for smart HTTP.

use std::{io, path::Path, process::Stdio, time::Duration};

use aqueduct_ports::git::ByteReader;
use bytes::{Bytes, BytesMut};
use futures_util::stream::try_unfold;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    process::{ChildStdin, ChildStdout},
    sync::OwnedSemaphorePermit,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::io::StreamReader;

use crate::{
    children::{Group, last},
    command::Git,
};

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// What opens the advertisement of protocol versions 0 and 1: a line and a flush (gitprotocol-http).
const SERVICE: &[u8] = b"001e# service=git-upload-pack\n0000";

/// Settings of a served mirror: which refs are shown, and which filters a partial clone may name.
const SETTINGS: [&str; 9] = [
    "uploadpack.hideRefs=refs/",
    "uploadpack.hideRefs=!refs/heads/",
    "uploadpack.hideRefs=!refs/tags/",
    "uploadpack.hideRefs=!refs/pipelines/",
    "uploadpack.allowFilter=true",
    "uploadpackfilter.allow=false",
    "uploadpackfilter.blob:none.allow=true",
    "uploadpackfilter.blob:limit.allow=true",
    "uploadpackfilter.tree.allow=true",
];

/// One answer to be given.
pub(crate) struct Clone<'a> {
    pub(crate) mirror: &'a Path,
    /// 0, 1 or 2.
    pub(crate) protocol: u8,
    /// Until it must have ended.
    pub(crate) time: Duration,
}

/// The version that a `Git-Protocol` header asks for; 0 if it asks for none that is known.
pub(crate) fn protocol(header: Option<&str>) -> u8 {
    let versions = header.unwrap_or_default().split(':').filter_map(|part| {
        let version = part.trim().strip_prefix("version=")?;
        version.parse().ok().filter(|version| *version <= 2)
    });
    versions.max().unwrap_or(0)
}

/// Starts the answer to a request, or to the question which refs there are.
pub(crate) fn start(
    git: &Git,
    clone: &Clone<'_>,
    request: Option<ByteReader>,
    permit: OwnedSemaphorePermit,
) -> io::Result<ByteReader> {
    let mut command = git.command();
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.args(["upload-pack", "--strict", "--stateless-rpc"]);
    if request.is_none() {
        command.arg("--http-backend-info-refs");
    }
    command.arg(clone.mirror);
    if clone.protocol > 0 {
        command.env("GIT_PROTOCOL", format!("version={}", clone.protocol));
    }
    command.stdin(if request.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut group = Group::spawn(&mut command)?;
    let opening = if request.is_none() && clone.protocol < 2 {
        SERVICE
    } else {
        b""
    };
    let stdin = group.child.stdin.take();
    let stdout = group.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let stderr = group.child.stderr.take();
    let answer = Answer {
        opening: Bytes::from_static(opening),
        stdout,
        words: tokio::spawn(async move { last(stderr).await.unwrap_or_default() }),
        server: Server(tokio::spawn(attend(
            group, stdin, request, clone.time, permit,
        ))),
    };
    let stream = try_unfold(answer, |mut answer| async move {
        let chunk = answer.next().await?;
        Ok::<_, io::Error>(chunk.map(|chunk| (chunk, answer)))
    });
    Ok(Box::pin(StreamReader::new(Box::pin(stream))))
}

/// Feeds the child and waits for its end. Stopped or dropped in between, it kills the child.
async fn attend(
    mut group: Group,
    stdin: Option<ChildStdin>,
    request: Option<ByteReader>,
    time: Duration,
    permit: OwnedSemaphorePermit,
) -> io::Result<()> {
    let work = async {
        if let (Some(mut stdin), Some(mut request)) = (stdin, request) {
            match copy(&mut request, &mut stdin).await {
                // What it doesn't read it doesn't need.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                copied => {
                    copied?;
                    stdin.shutdown().await?;
                }
            }
        }
        group.wait().await
    };
    let status = timeout(time, work)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    drop(permit);
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("git upload-pack: {status}")))
}

/// The task that attends to the child, which ends with the answer.
struct Server(JoinHandle<io::Result<()>>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Answer {
    opening: Bytes,
    stdout: ChildStdout,
    words: JoinHandle<String>,
    server: Server,
}

impl Answer {
    /// The next bytes; `None` at the end of a whole answer.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if !self.opening.is_empty() {
            return Ok(Some(std::mem::take(&mut self.opening)));
        }
        let mut chunk = BytesMut::with_capacity(CHUNK);
        if self.stdout.read_buf(&mut chunk).await? > 0 {
            return Ok(Some(chunk.freeze()));
        }
        let ended = (&mut self.server.0).await.map_err(io::Error::other)?;
        if let Err(error) = ended {
            let words = (&mut self.words).await.unwrap_or_default();
            return Err(io::Error::new(
                error.kind(),
                format!("{error}: {}", words.trim()),
            ));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_asks_for_a_version_and_nothing_else() {
        let table = [
            (None, 0),
            (Some(""), 0),
            (Some("version=1"), 1),
            (Some("version=2"), 2),
            (Some("a=b:version=2"), 2),
            (Some("version=1:version=2"), 2),
            (Some("version=9"), 0),
            (Some("version=2\nX"), 0),
            (Some("version=-1"), 0),
        ];
        for (header, version) in table {
            assert_eq!(protocol(header), version, "{header:?}");
        }
    }
}
