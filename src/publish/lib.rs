//! Publishers: multi-platform image indexes, packed images, Python distributions.
//!
//! Libraries first: the command line calls [`index::create`], [`index::inspect`], [`pack::pack`] and
//! [`python::publish`] with option structs; jobs come through [`Release`], which implements
//! `ReleaseBackend`. Credentials come from `aqueduct.toml` ([`Settings`]) or docker's own files and stay in here.
#![forbid(unsafe_code)]

mod config;
pub mod index;
pub mod pack;
pub mod python;
mod registries;
mod release;
mod spool;

pub use config::{
    ConfigError, Destination, DirectoryDestination, LaterDestination, PypiDestination,
    RegistryAuth, RegistrySettings, Secret, SecretSource, Settings, tables,
};
pub use registries::{copy_reference, registry_client, registry_options};
pub use release::Release;
