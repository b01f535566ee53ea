//! Where mirrors lie, and who may change one: one writer at a time, in this process and beside it.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aqueduct_core::id::ProjectId;
use aqueduct_ports::git::GitError;
use rustix::fs::{FlockOperation, flock};
use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, sleep, timeout_at},
};

use crate::fault;

/// How often a lock is tried that another process holds.
const RETRY: Duration = Duration::from_millis(50);

/// Most commits of a mirror that are remembered.
const REMEMBERED: usize = 100_000;

/// The folder of all mirrors.
#[derive(Debug)]
pub(crate) struct Places {
    root: PathBuf,
    writers: Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<Memory>>>>,
}

/// Whether a mirror may hold what a killed writer left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Health {
    /// Nobody has looked since this process began, or since a writer was stopped.
    #[default]
    Unknown,
    /// The last writer came to its end.
    Sound,
}

/// What this process knows of a mirror.
#[derive(Debug, Default)]
struct Memory {
    health: Health,
    /// Commits that are there with all that they lead to. Looking for one costs a walk over all refs.
    whole: HashSet<String>,
}

/// The right to change one mirror.
///
/// The lock of the file is shared with the children that get it as their standard output: where this process is killed, a
/// child of it that goes on keeps others out until it ends.
pub(crate) struct Writer {
    file: File,
    memory: OwnedMutexGuard<Memory>,
}

impl Places {
    /// Makes the folder, closed to other users.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)?;
        Ok(Self {
            root: root.canonicalize()?,
            writers: Mutex::default(),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The mirror of a project, whether it is there or not.
    pub(crate) fn mirror(&self, project: ProjectId) -> PathBuf {
        self.root.join(format!("{project}.git"))
    }

    /// The projects that have a mirror, in ascending order.
    pub(crate) fn mirrors(&self) -> io::Result<Vec<ProjectId>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(".git")?.parse().ok());
            found.extend(number.map(ProjectId));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Where a mirror is made before it gets its name.
    pub(crate) fn nursery(&self, project: ProjectId) -> PathBuf {
        self.root.join(format!("{project}.new"))
    }

    /// Where a mirror goes before it is removed.
    pub(crate) fn grave(&self, project: ProjectId) -> PathBuf {
        self.root.join(format!("{project}.gone"))
    }

    /// Waits until nobody else changes the mirror.
    pub(crate) async fn writer(
        &self,
        project: ProjectId,
        patience: Duration,
    ) -> Result<Writer, GitError> {
        let busy = || {
            GitError::Broken(format!(
                "somebody else has changed it for {} s",
                patience.as_secs()
            ))
        };
        let deadline = Instant::now() + patience;
        let mutex = {
            let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(writers.entry(project).or_default())
        };
        let memory = timeout_at(deadline, mutex.lock_owned())
            .await
            .map_err(|_| busy())?;
        let path = self.root.join(format!("{project}.lock"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| fault::of_io("open its lock", &error))?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Writer { file, memory }),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(fault::of_io("lock it", &error.into())),
            }
            if Instant::now() >= deadline {
                return Err(busy());
            }
            sleep(RETRY).await;
        }
    }
}

impl Writer {
    /// What the last writer left.
    pub(crate) fn health(&self) -> Health {
        self.memory.health
    }

    /// Tells the next writer.
    pub(crate) fn set_health(&mut self, health: Health) {
        self.memory.health = health;
    }

    /// Whether the commit is known to be there with all that it leads to.
    pub(crate) fn is_whole(&self, sha: &str) -> bool {
        self.memory.whole.contains(sha)
    }

    /// Remembers such commits.
    pub(crate) fn remember_whole(&mut self, commits: impl IntoIterator<Item = String>) {
        self.memory.whole.extend(commits);
        // A project's life long they would add up.
        if self.memory.whole.len() > REMEMBERED {
            self.memory.whole.clear();
        }
    }

    /// Forgets them all: something is about to be removed.
    pub(crate) fn forget_whole(&mut self) {
        self.memory.whole.clear();
    }

    /// A standard output that holds the lock, for a child that prints nothing.
    pub(crate) fn stdout(&self) -> Result<Stdio, GitError> {
        self.share().map(Stdio::from)
    }

    /// Another hold of the lock: nobody else is the writer before this one is dropped, too.
    pub(crate) fn share(&self) -> Result<File, GitError> {
        self.file
            .try_clone()
            .map_err(|error| fault::of_io("share its lock", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mirror_has_one_writer_at_a_time_across_processes() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (
            Places::new(dir.path()).unwrap(),
            Places::new(dir.path()).unwrap(),
        );
        let (one, other) = (ProjectId(1), ProjectId(2));
        let short = Duration::from_millis(80);
        let held = ours.writer(one, short).await.unwrap();
        assert!(ours.writer(one, short).await.is_err());
        assert!(theirs.writer(one, short).await.is_err());
        assert!(theirs.writer(other, short).await.is_ok());
        let inherited = std::process::Command::new("sleep")
            .arg("0.4")
            .stdout(held.stdout().unwrap())
            .spawn();
        drop(held);
        assert!(
            theirs.writer(one, short).await.is_err(),
            "the child has it still"
        );
        assert!(theirs.writer(one, Duration::from_secs(5)).await.is_ok());
        inherited.unwrap().wait().unwrap();
    }
}
