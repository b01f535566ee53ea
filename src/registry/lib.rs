//! OCI registries and OCI image layouts behind one trait: raw manifests and blobs by digest.
//!
//! Reading ([`pull`]) serves the executors, writing serves the publishers. Every byte that comes in is hashed
//! against the digest that was asked for; no manifest is ever re-serialised, since its bytes are its identity.
//!
//! The HTTP side is a client of our own over `reqwest`: it needs retries with `Retry-After`, tokens for two repositories
//! at once (mounts), uploads replayed from disk and raw manifests in both directions, which `oci-client` doesn't
//! offer; that crate's types for the specification's error bodies are used.
#![forbid(unsafe_code)]

mod auth;
mod blob;
mod client;
mod credentials;
mod download;
mod error;
mod http;
mod layout;
mod no_answer;
pub mod pull;
mod remote;
mod repository;
mod retry;
mod upload;

pub use blob::{BlobSource, BlobStream, Prefix};
pub use client::{Access, Client, ClientOptions, PlainHttp};
pub use credentials::{Credential, Credentials};
pub use error::RegistryError;
pub use layout::Layout;
pub use no_answer::{NoAnswer, TRUST_HINT, no_client};
pub use remote::RemoteRepository;
pub use repository::{RawManifest, Repository};
