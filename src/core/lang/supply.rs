//! What a compilation is given of what it asked for.

use super::{SourceRequest, Sources, context::Context};
use crate::yaml::Limits;

/// The pipeline files that are looked for, in this order (design section 4).
pub const ENTRIES: [&str; 2] = [".aqueduct.yml", ".gitlab-ci.yml"];

/// As much of a file as whoever fetches it needs to read: a byte more than it may have, so that a longer one is told from one
/// that just fits.
pub const LONGEST_FILE: usize = Limits::LANGUAGE.bytes + 1;

/// What was found for a [`SourceRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: there is no such file or ref.
    Nothing,
    /// The bytes of a file.
    File(Vec<u8>),
    /// A list of paths, sorted: all files, or those that changed.
    Paths(Vec<String>),
}

/// Gives the answer to a request: files to the sources, lists of paths to the context.
pub fn supply(request: SourceRequest, found: Found, context: &mut Context, sources: &mut Sources) {
    match (&request, found) {
        (SourceRequest::Files, Found::Paths(paths)) => context.files = Some(paths.into()),
        (SourceRequest::Changes(name), Found::Paths(paths)) => {
            context.compare_to.insert(name.clone(), paths.into());
        }
        (_, Found::File(bytes)) => sources.insert(request, Some(bytes)),
        (_, Found::Nothing | Found::Paths(_)) => sources.insert(request, None),
    }
}
