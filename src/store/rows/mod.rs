//! The aggregates: which statements make up a change, and what a row becomes.

mod access;
mod artifact;
mod environment;
mod head;
mod inbox;
mod job;
mod limits;
mod manager;
mod meta;
mod outbox;
mod pipeline;
mod pipeline_row;
mod project;
mod runner;
mod trace;
