//! What the coordinator remembers, by aggregate.
//!
//! Rules that hold for every method of every trait here:
//!
//! - A write is one transaction: all of it or nothing, and on stable storage when the call returns. An error other than
//!   [`StoreError::Unavailable`] means that nothing was written; after `Unavailable` the caller doesn't know, and reads before it
//!   writes again. Dropping a call's future may or may not carry the write out, whole.
//! - A read sees every write that returned before the read began.
//! - Whatever is absent is `None`, never an error.
//! - Texts are UTF-8 of any length, names of at most [`NAME_LIMIT`] bytes ([`StoreError::TooLong`]). NUL, which PostgreSQL can't hold in a text, is stored as U+FFFD; only bytes are kept as they are.
//! - JSON (`state`, `plan`, `info`, …) is the caller's: the store keeps the text and never looks inside.
//! - No method reads a clock: times are arguments.

mod access;
mod artifact;
mod environment;
mod head;
mod inbox;
mod meta;
mod object;
mod outbox;
mod pipeline;
mod pipeline_rows;
mod project;
mod runner;
mod trace;

pub use access::{AccessScope, AccessToken, AccessTokens, NewAccessToken, NewSession};
pub use artifact::{Artifact, Artifacts};
pub use environment::{Environment, EnvironmentState, Environments};
pub use head::{Head, HeadChange, HeadMove, Heads, Observation};
pub use inbox::{Delivery, Inbox, NewDelivery, Put};
pub use meta::Meta;
pub use object::{ObjectBody, ObjectError, ObjectInfo, Objects};
pub use outbox::{DueEffect, NewEffect, Outbox};
pub use pipeline::{Pipelines, TokenOwner, TokenUse};
pub use pipeline_rows::{
    CreatedPipeline, JobChange, JobFilter, JobRow, NewJob, NewPipeline, PipelineChange,
    PipelineFilter, PipelineHead, PipelineRow, StoredPipeline,
};
pub use project::{NewProject, Project, Projects};
pub use runner::{
    AccessLevel, Manager, NewRunner, RegistrationToken, RunnerKind, RunnerRow, RunnerSettings,
    Runners, Seen, Sighting,
};
pub use trace::{Appended, TraceHead, TracePart, TracePlace, Traces};

/// Everything the coordinator remembers.
pub trait Store:
    Projects
    + Pipelines
    + Traces
    + Runners
    + Inbox
    + Outbox
    + Heads
    + Artifacts
    + AccessTokens
    + Environments
    + Meta
{
}

impl<T> Store for T where
    T: Projects
        + Pipelines
        + Traces
        + Runners
        + Inbox
        + Outbox
        + Heads
        + Artifacts
        + AccessTokens
        + Environments
        + Meta
{
}

/// Longest name that rows are found by, in bytes: an index takes no more.
pub const NAME_LIMIT: usize = 1024;

/// Why the store didn't do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed it first: load it again and decide anew. A normal answer, not worth a log line.
    #[error("somebody else changed it at the same time")]
    Conflict,
    /// A name or token that must be unique is in use.
    #[error("{0} already exists")]
    Taken(String),
    /// What the row would belong to isn't there.
    #[error("{0} does not exist")]
    Missing(String),
    /// A name (path, ref, cause, delivery id, subject, kind, …) has more than [`NAME_LIMIT`] bytes.
    #[error("the {0} is longer than {NAME_LIMIT} bytes")]
    TooLong(&'static str),
    /// The database can't be reached, is full, or answered too late. Trying again may help; whether the write was carried out is
    /// unknown.
    #[error("the database can't be used: {0}")]
    Unavailable(String),
    /// What the database holds isn't what was written. Trying again won't help.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
}

/// A part of a list that goes from the newest (the greatest id) to the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only rows with a smaller id: the last id of the page before. `None` begins with the newest.
    pub before: Option<u64>,
    /// At most so many rows. Fewer mean that there are no more.
    pub limit: u32,
}

impl Page {
    /// The newest `limit` rows.
    pub const fn first(limit: u32) -> Self {
        Self {
            before: None,
            limit,
        }
    }
}
