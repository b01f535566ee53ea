//! Images by reference and by digest: the pure half of everything that touches a registry.
//!
//! The bytes of a manifest are its identity, so nothing in here re-serialises one that it was given: parsed
//! values are for looking, raw bytes for passing on. The one thing written here is an index of our own
//! ([`assemble`]), and it always comes out in the same bytes.

mod assemble;
mod config;
mod descriptor;
mod digest;
mod lenient;
mod manifest;
pub mod media;
mod reference;
mod reported;
mod select;

pub use assemble::{Assembled, IndexEntry, IndexProblems, assemble};
pub use config::{ContainerConfig, History, ImageConfig, RootFs};
pub use descriptor::{Descriptor, EntryPlatform};
pub use digest::{Digest, DigestError, Verifier};
pub use manifest::{ImageIndex, ImageManifest, Manifest, ManifestError};
pub use reference::{LayoutReference, Reference, ReferenceError, RegistryReference, Target};
pub use reported::{Reported, ReportedError};
pub use select::{NoPlatform, select};
