//! The real peers that tests, examples and benchmarks talk to. Development only.
//!
//! Every peer is an ordinary program of Debian or of a package registry, started on a free loopback
//! port with its storage in a temporary directory and stopped when its guard is dropped, also when
//! the process that holds the guard is killed. A program that is not installed is an error that
//! says how to install it; nothing here skips.
#![forbid(unsafe_code)]

pub mod base_images;
pub mod browser;
pub mod cache;
pub mod command;
pub mod debian;
pub mod foreign_runners;
pub mod gitea;
pub mod images;
pub mod layout;
pub mod origin;
mod peer;
pub mod podman;
pub mod postgres;
pub mod project;
pub mod pypiserver;
pub mod regions;
pub mod registry;
pub mod scripted;
mod venv;

pub use command::{Error, Result};
