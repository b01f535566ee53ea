//! What a runner needs of the disk: working copies, artifacts and caches.
//!
//! All paths that a job can influence are relative to its working copy, and no implementation follows a link out of
//! it: in a container job the runner reads files that the job's own processes made.

use std::path::PathBuf;

pub use aqueduct_core::api::runner::artifact::Format;
use aqueduct_core::id::AttemptKey;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::work::GitSource;

/// Makes and removes working copies, one an attempt.
#[async_trait]
pub trait WorkingCopies: Send + Sync {
    /// Makes the attempt's own copy; what an earlier call left for the same attempt is removed first.
    async fn prepare(
        &self,
        key: AttemptKey,
        checkout: Checkout,
    ) -> Result<WorkingCopy, WorkspaceError>;

    /// Removes it, whatever owner and mode the job gave its files. Idempotent; legal only once no process of the attempt
    /// is left.
    async fn remove(&self, key: AttemptKey) -> Result<(), WorkspaceError>;
}

/// What a working copy starts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checkout {
    /// The run's snapshot, with a `.git` where it comes from one.
    Snapshot,
    /// A commit, fetched.
    Git(Box<GitCheckout>),
    /// Nothing: `GIT_STRATEGY: none` or `empty` of a local run, and release jobs.
    Empty,
}

/// How a commit becomes a working copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCheckout {
    /// Where it comes from; its depth and strategy are what the job's variables say.
    pub source: GitSource,
    /// What becomes of submodules.
    pub submodules: Submodules,
    /// How much of it there is to be.
    pub contents: Contents,
}

/// How much of a commit a working copy holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// Repository and files.
    #[default]
    Files,
    /// The repository alone: `GIT_CHECKOUT: "false"`.
    Repository,
    /// Nothing, yet it belongs to this project: `GIT_STRATEGY: none` or `empty`.
    Nothing,
}

/// `GIT_SUBMODULE_STRATEGY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Submodules {
    /// They stay empty directories.
    #[default]
    None,
    /// Those of the repository itself.
    Normal,
    /// Also theirs.
    Recursive,
}

/// An attempt's own copy of the sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingCopy {
    /// The attempt.
    pub key: AttemptKey,
    /// The directory that the job works in.
    pub dir: PathBuf,
    /// An empty directory beside it, for file variables; closed to other users of this machine by a directory above.
    pub tmp_dir: PathBuf,
}

/// Which files to keep: globs relative to the working copy, variables expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Doublestar globs; a directory stands for all below it.
    pub paths: Vec<String>,
    /// Globs taken out again, also of `untracked`.
    pub exclude: Vec<String>,
    /// Adds every file that git doesn't track.
    pub untracked: bool,
}

/// What a selection found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// Files, links and directories kept.
    pub entries: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Each of the selection's paths with the number of entries it matched.
    pub patterns: Vec<(String, u64)>,
    /// Entries that `untracked` added.
    pub untracked: u64,
    /// Paths that were refused, each with the reason: they or what they lead to lie outside of the working copy.
    pub refused: Vec<String>,
}

/// What an attempt leaves for later jobs and for people.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Copies the selection out of the working copy, replacing what this attempt stored of the same kind.
    async fn store(
        &self,
        copy: &WorkingCopy,
        kind: &ArtifactKind,
        selection: &Selection,
    ) -> Result<Selected, WorkspaceError>;

    /// The regular files stored under `kind`, ordered by path. [`WorkspaceError::TooLarge`] above `limit` bytes in all.
    async fn read(
        &self,
        key: AttemptKey,
        kind: &ArtifactKind,
        limit: u64,
    ) -> Result<Vec<StoredFile>, WorkspaceError>;

    /// Unpacks an attempt's archive into `into`, over what is there; answers the number of entries.
    /// [`WorkspaceError::Missing`] if the attempt left no archive.
    async fn fetch(&self, key: AttemptKey, into: PathBuf) -> Result<u64, WorkspaceError>;
}

/// Packs what leaves this machine and unpacks what comes to it.
#[async_trait]
pub trait Packer: Send + Sync {
    /// Packs the selection into a new file. Whoever asked for it removes it; a sweep does so after a crash.
    /// [`WorkspaceError::Refused`] if [`Format::Raw`] would have to hold several files.
    async fn pack(
        &self,
        copy: &WorkingCopy,
        selection: &Selection,
        format: Format,
    ) -> Result<Packed, WorkspaceError>;

    /// The regular files of the selection with their contents, ordered by path. [`WorkspaceError::TooLarge`] above `limit`
    /// bytes in all.
    async fn read(
        &self,
        copy: &WorkingCopy,
        selection: &Selection,
        limit: u64,
    ) -> Result<Vec<StoredFile>, WorkspaceError>;

    /// Path of a file that doesn't exist yet, to download into. Swept like the packed ones.
    fn new_file(&self) -> PathBuf;

    /// Whether so many bytes may be downloaded into such files; [`WorkspaceError::Io`] if the disk has no room for them.
    fn room_for(&self, bytes: u64) -> Result<(), WorkspaceError>;

    /// Unpacks a zip archive into `into`, over what is there, nothing outside of it; answers the number of entries.
    async fn unpack(&self, archive: PathBuf, into: PathBuf) -> Result<u64, WorkspaceError>;
}

/// A packed selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// What it holds.
    pub selected: Selected,
    /// Where it is; `None` if nothing was selected.
    pub file: Option<PathBuf>,
    /// The path, relative to the working copy, of the only file of a raw one.
    pub name: String,
}

/// A kind of artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ArtifactKind {
    /// `artifacts:paths` and `untracked`: what later jobs get.
    Archive {
        /// `artifacts:name`, expanded; `None` takes GitLab's `default`.
        name: Option<String>,
    },
    /// One of `artifacts:reports` (`dotenv`, `junit`, …).
    Report(String),
}

/// A file of the artifact store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Path relative to the working copy it came from.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Files kept from one pipeline to the next, best effort: the caller never fails a job over it.
#[async_trait]
pub trait CacheStore: Send + Sync {
    /// A hash over the contents of these files of the working copy (or, with `commits`, over the last commits that changed
    /// them), in order; `None` if none of them exists.
    async fn hash_files(
        &self,
        copy: &WorkingCopy,
        files: &[String],
        commits: bool,
    ) -> Result<Option<String>, WorkspaceError>;

    /// Unpacks the first of `keys` that has something; answers that key.
    async fn restore(
        &self,
        copy: &WorkingCopy,
        keys: &[String],
    ) -> Result<Option<String>, WorkspaceError>;

    /// Replaces `key` by the selection as a whole: a reader sees the old or the new content, never a mixture. An empty
    /// selection stores nothing.
    async fn save(
        &self,
        copy: &WorkingCopy,
        key: &str,
        selection: &Selection,
    ) -> Result<Selected, WorkspaceError>;
}

/// Why the disk said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceError {
    /// It isn't there.
    #[error("{0} isn't there")]
    Missing(String),
    /// More than was allowed.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// What the job or its pipeline asks for can't be done.
    #[error("{0}")]
    Refused(String),
    /// Something that is elsewhere can't be reached; trying again may help.
    #[error("{0}")]
    Unreachable(String),
    /// The machine failed: a full disk, a missing permission.
    #[error("can't {action} {path}: {cause}")]
    Io {
        /// A verb: `copy`, `create`.
        action: &'static str,
        /// The path it was about.
        path: String,
        /// The system's words.
        cause: String,
    },
}
