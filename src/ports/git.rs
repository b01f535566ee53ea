//! Where the coordinator's sources come from: a mirror of each project's repository (design 3.10).
//!
//! A mirror is made by the first [`Mirrors::fetch`] and is disposable: whatever is lost is fetched anew, as far as the
//! remote still has it. Names of refs and paths come from people; no implementation lets them become an option, a command
//! or a path outside of the mirror.

use std::pin::Pin;

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    lang::context::Commit,
    refs::{Answer, RemoteUrl},
};
use async_trait::async_trait;
use tokio::io::AsyncRead;

/// Bytes on their way, with back-pressure: nothing is read before it is asked for. An error of the reader means that what
/// came so far is not the whole.
pub type ByteReader = Pin<Box<dyn AsyncRead + Send>>;

/// Mirrors of the projects' repositories.
///
/// Every call ends: what talks to a remote is bounded in time and size. Calls for different projects run side by side;
/// those that change one mirror wait for each other. A call whose future is dropped, or whose process is killed, leaves a
/// mirror that the next call can use.
///
/// A `sha` is the full id of a commit ([`aqueduct_core::refs::is_sha`]); another text is [`GitError::Refused`].
#[async_trait]
pub trait Mirrors: Send + Sync {
    /// Asks the remote where its branches and tags stand. Never answered from a mirror, needs none, and never half: an
    /// answer that was cut off is an error.
    async fn ls_remote(&self, url: &RemoteUrl) -> Result<Answer, GitError>;

    /// Makes sure that the mirror has the commit with its whole history. Costs nothing where it has; else the remote's
    /// branches and tags are fetched, and if the commit is in none of them any more, the commit by itself.
    /// [`GitError::Missing`] if the remote no longer has it either.
    async fn fetch(&self, project: ProjectId, url: &RemoteUrl, sha: &str) -> Result<(), GitError>;

    /// As [`fetch`](Self::fetch), and the branch or tag of that full name is there too if the remote still has it: also where the
    /// commit had come with another one before, and where it stood elsewhere.
    async fn fetch_ref(
        &self,
        project: ProjectId,
        url: &RemoteUrl,
        sha: &str,
        git_ref: &str,
    ) -> Result<(), GitError>;

    /// Whether the mirror has a ref of that full name.
    async fn has_ref(&self, project: ProjectId, git_ref: &str) -> Result<bool, GitError>;

    /// Keeps the commit for as long as the pipeline needs it, as `refs/pipelines/N`. Idempotent; another commit under the
    /// same number replaces the first. [`GitError::Missing`] if the mirror doesn't have the commit.
    async fn keep(
        &self,
        project: ProjectId,
        pipeline: PipelineId,
        sha: &str,
    ) -> Result<(), GitError>;

    /// Gives up what [`keep`](Self::keep) kept. Idempotent, also without a mirror.
    async fn release(&self, project: ProjectId, pipelines: &[PipelineId]) -> Result<(), GitError>;

    /// The pipelines whose commits are kept, in ascending order; none without a mirror.
    async fn kept(&self, project: ProjectId) -> Result<Vec<PipelineId>, GitError>;

    /// Reads files at a commit, an answer for each path in order: `None` where there is no file of that name. Paths are
    /// relative to the root; one that leads out of it has no file. A symbolic link is a file that holds its target.
    /// A file longer than `limit` bytes comes as that many blanks.
    async fn read(
        &self,
        project: ProjectId,
        sha: &str,
        paths: &[String],
        limit: usize,
    ) -> Result<Vec<Option<Vec<u8>>>, GitError>;

    /// All files at a commit, links and submodules included, sorted by bytes.
    async fn files(&self, project: ProjectId, sha: &str) -> Result<Vec<String>, GitError>;

    /// The paths that differ between two points of the history, sorted; both names of a renamed file. `None` if the first
    /// one isn't in the mirror (a branch's tip before a force-push may be gone), or has no common history with the second.
    async fn changed(
        &self,
        project: ProjectId,
        since: &Since,
        sha: &str,
    ) -> Result<Option<Vec<String>>, GitError>;

    /// The commit as people see it. With the full name of a tag, an annotated one's message comes along.
    async fn commit(
        &self,
        project: ProjectId,
        sha: &str,
        tag: Option<&str>,
    ) -> Result<CommitFacts, GitError>;

    /// Whether `ancestor` is `descendant` or in its history: whether a push from the one to the other was no force-push.
    /// False also where the mirror lacks the ancestor.
    async fn is_ancestor(
        &self,
        project: ProjectId,
        ancestor: &str,
        descendant: &str,
    ) -> Result<bool, GitError>;

    /// The first half of a clone over smart HTTP: the body for `GET info/refs?service=git-upload-pack`, of the type
    /// `application/x-git-upload-pack-advertisement`. `protocol` is the request's `Git-Protocol` header. Shown are branches,
    /// tags and the refs of pipelines, nothing else.
    async fn advertise(
        &self,
        project: ProjectId,
        protocol: Option<&str>,
    ) -> Result<ByteReader, GitError>;

    /// The second half: the answer to `POST git-upload-pack`, of the type `application/x-git-upload-pack-result`. `request` is
    /// the request's body with any content coding taken off. Dropping the answer ends the work on it.
    async fn upload_pack(
        &self,
        project: ProjectId,
        protocol: Option<&str>,
        request: ByteReader,
    ) -> Result<ByteReader, GitError>;

    /// Packs the mirror, and drops what no ref has led to for a while.
    async fn tidy(&self, project: ProjectId) -> Result<(), GitError>;

    /// The projects that have a mirror, in ascending order.
    async fn projects(&self) -> Result<Vec<ProjectId>, GitError>;

    /// Removes the mirror with all that is in it. Idempotent.
    async fn remove(&self, project: ProjectId) -> Result<(), GitError>;
}

/// What a change is told against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// A commit: what a push had before it.
    Commit(String),
    /// The merge base with a branch, a tag or a commit, by its short or full name: `rules:changes:compare_to`.
    MergeBase(String),
}

/// A commit as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitFacts {
    /// Its message, author and time, and the tag's message.
    pub commit: Commit,
    /// Its parents, the first one first.
    pub parents: Vec<String>,
}

/// Why a mirror or its remote said no. No text holds a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The remote doesn't answer, or not within the time. Trying again may help.
    #[error("{url} can't be reached: {cause}")]
    Unavailable {
        /// The remote's address.
        url: String,
        /// What git said.
        cause: String,
    },
    /// The remote wants other credentials. Trying again helps once somebody has changed them.
    #[error("{url} refuses the coordinator: {cause}")]
    Denied {
        /// The remote's address.
        url: String,
        /// What git said.
        cause: String,
    },
    /// There is no repository at that address, or none that these credentials may see.
    #[error("there is no repository at {0}")]
    NoRepository(String),
    /// A commit or a mirror that isn't there.
    #[error("{0} isn't there")]
    Missing(String),
    /// What was asked for is never done.
    #[error("{0}")]
    Refused(String),
    /// More than was allowed.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// This machine failed: a full disk, no `git`, a damaged mirror. Trying again may help.
    #[error("the mirror can't be used: {0}")]
    Broken(String),
}

impl GitError {
    /// Whether the same call may succeed later without anybody changing the project or its repository.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Broken(_))
    }
}
