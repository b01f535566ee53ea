//! Assembles an index: the platform set is checked, the bytes are always the same for the same entries.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{Descriptor, Digest, media};
use crate::platform::Platform;

/// An image for an index, with what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexEntry {
    /// The image's manifest; its platform is set.
    pub image: Descriptor,
    /// BuildKit's attestations of that image, carried along unchanged.
    pub attachments: Vec<Descriptor>,
    /// Where it came from, for messages.
    pub origin: String,
}

impl IndexEntry {
    fn platform(&self) -> Platform {
        let unknown = || Platform {
            os: "unknown".into(),
            architecture: "unknown".into(),
            variant: None,
        };
        self.image
            .platform
            .as_ref()
            .map_or_else(unknown, super::EntryPlatform::platform)
    }

    /// What makes two entries the same to a machine that chooses, and the order of entries.
    fn key(&self) -> (Platform, Option<&str>) {
        let version = self
            .image
            .platform
            .as_ref()
            .and_then(|p| p.os_version.as_deref());
        (self.platform().normalized(), version)
    }
}

/// An assembled index, ready to be pushed as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Assembled {
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// Its media type, also within the bytes.
    pub media_type: &'static str,
    /// Digest of the bytes.
    pub digest: Digest,
    /// The entries in order.
    pub entries: Vec<Descriptor>,
}

/// Everything that is wrong with a set of images, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexProblems {
    /// Platforms asked for that no image has.
    pub missing: Vec<Platform>,
    /// Platforms that several images have, with where those came from.
    pub doubled: Vec<(Platform, Vec<String>)>,
    /// Platforms found that were not asked for, with where those came from.
    pub unexpected: Vec<(Platform, String)>,
    /// No image at all.
    pub empty: bool,
}

impl fmt::Display for IndexProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.empty {
            parts.push("no image was found".to_owned());
        }
        if !self.missing.is_empty() {
            let names: Vec<String> = self.missing.iter().map(ToString::to_string).collect();
            parts.push(format!("missing: {}", names.join(", ")));
        }
        for (platform, origins) in &self.doubled {
            parts.push(format!(
                "doubled: {platform} (from {})",
                origins.join(" and ")
            ));
        }
        for (platform, origin) in &self.unexpected {
            parts.push(format!("unexpected: {platform} (from {origin})"));
        }
        write!(
            f,
            "the index is not what was asked for: {}",
            parts.join("; ")
        )
    }
}

impl std::error::Error for IndexProblems {}

/// Fields in the order of image-spec's own Go types, which most tools serialise.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    media_type: &'a str,
    manifests: &'a [Descriptor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

/// Assembles an index of `entries`.
///
/// `wanted` is the exact set of platforms; empty takes what is there. Entries are sorted by platform, attestations
/// after all images. It is a Docker manifest list only if every child is Docker's and nothing is annotated, since such
/// lists can't be annotated; an OCI index otherwise.
pub fn assemble(
    mut entries: Vec<IndexEntry>,
    wanted: &[Platform],
    annotations: &BTreeMap<String, String>,
) -> Result<Assembled, IndexProblems> {
    check(&entries, wanted)?;
    entries.sort_by(|a, b| a.key().cmp(&b.key()));
    let (mut images, mut attachments) = (Vec::new(), Vec::new());
    for entry in entries {
        images.push(entry.image);
        attachments.extend(entry.attachments);
    }
    images.append(&mut attachments);
    let docker = annotations.is_empty()
        && images.iter().all(|entry| {
            entry.media_type == media::DOCKER_MANIFEST && entry.annotations.is_empty()
        });
    let media_type = if docker {
        media::DOCKER_LIST
    } else {
        media::INDEX
    };
    let bytes = canonical(&Document {
        schema_version: 2,
        media_type,
        manifests: &images,
        annotations,
    });
    Ok(Assembled {
        digest: Digest::of(&bytes),
        bytes,
        media_type,
        entries: images,
    })
}

#[expect(
    clippy::expect_used,
    reason = "strings, numbers and maps with string keys always serialise"
)]
fn canonical(document: &Document<'_>) -> Vec<u8> {
    serde_json::to_vec(document).expect("a document of plain values serialises")
}

fn check(entries: &[IndexEntry], wanted: &[Platform]) -> Result<(), IndexProblems> {
    let mut by_key: BTreeMap<_, Vec<&IndexEntry>> = BTreeMap::new();
    for entry in entries {
        by_key.entry(entry.key()).or_default().push(entry);
    }
    let mut problems = IndexProblems {
        empty: entries.is_empty() && wanted.is_empty(),
        ..IndexProblems::default()
    };
    for platform in wanted {
        if !entries
            .iter()
            .any(|entry| entry.platform().matches(platform))
        {
            problems.missing.push(platform.clone());
        }
    }
    for same in by_key.values() {
        let platform = same.first().map(|entry| entry.platform());
        if let (Some(platform), true) = (platform, same.len() > 1) {
            let origins = same.iter().map(|entry| entry.origin.clone()).collect();
            problems.doubled.push((platform, origins));
        }
    }
    if !wanted.is_empty() {
        let unexpected = entries.iter().filter(|entry| {
            !wanted
                .iter()
                .any(|platform| platform.matches(&entry.platform()))
        });
        problems.unexpected = unexpected
            .map(|entry| (entry.platform(), entry.origin.clone()))
            .collect();
    }
    if problems == IndexProblems::default() {
        Ok(())
    } else {
        Err(problems)
    }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
