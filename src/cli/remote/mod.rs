//! A coordinator somewhere, spoken to over its API `/api/v1`.

mod choice;
mod client;
mod contexts;
mod error;
mod find;
mod model;
mod patience;

pub(crate) use client::{Coordinator, Got, LogPart};
pub(crate) use contexts::{Context, Contexts};
pub(crate) use error::RemoteError;
pub(crate) use model::{
    Branch, Environment, Job, MadeRunner, MadeToken, Pipeline, Project, Runner,
};
pub(crate) use patience::Patience;
