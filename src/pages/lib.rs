//! What people see of a coordinator in a browser: rows, snapshots and logs become HTML.
//!
//! Each page is a value that is made of what the store and the fleet answered, holds every text as it will stand there, and is written by a
//! template. Deliberately absent: HTTP, the store, a clock. The time is an argument. Whatever people or jobs wrote is escaped by the
//! templates; only [`log`] writes HTML itself.
#![forbid(unsafe_code)]

pub mod assets;
mod commit;
mod job;
pub mod log;
mod message;
mod pipeline;
mod pipelines;
mod project;
mod release;
mod shell;
mod status;
mod text;

pub use askama::Template;
pub use commit::CommitNote;
pub use job::{JobFacts, JobPage, LogPart, LogView};
pub use message::{LoginPage, MessagePage};
pub use pipeline::{PipelineFacts, PipelinePage};
pub use pipelines::{ListFacts, ListFilter, PipelinesPage};
pub use project::{ProjectFacts, ProjectLine, ProjectPage, ProjectsPage, Shows};
pub use shell::{Nav, Person, Shell};
pub use status::StatusView;
pub use text::{Moment, RefName, duration, query, short_sha, size};
