//! What a build job wrote down about the image it pushed.

use serde::Deserialize;

use super::{Descriptor, Digest, Reference};

/// An image as a build job recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// Its digest.
    pub digest: Digest,
    /// Where it was pushed to, if the record says so.
    pub reference: Option<Reference>,
    /// Its descriptor, if the record holds one.
    pub descriptor: Option<Descriptor>,
}

/// Why a record can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReportedError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// JSON, but neither a descriptor nor BuildKit's metadata.
    #[error("the file is neither an OCI descriptor nor BuildKit metadata: {0}")]
    Json(String),
    /// Text, but neither a digest nor `reference@digest`.
    #[error("`{0}` is neither a digest nor `reference@digest`")]
    Text(String),
    /// Lines that name different images.
    #[error("the file names two images, {first} and {second}")]
    Several {
        /// The first line's digest.
        first: Digest,
        /// The other.
        second: Digest,
    },
}

/// The keys of BuildKit's `--metadata-file` that matter.
#[derive(Deserialize)]
struct BuildKit {
    #[serde(rename = "containerimage.digest")]
    digest: Option<Digest>,
    #[serde(rename = "containerimage.descriptor")]
    descriptor: Option<Descriptor>,
    #[serde(rename = "image.name")]
    name: Option<String>,
}

impl Reported {
    /// Reads a digest file: a digest, `reference@digest` (one a line, all of the same digest), an OCI
    /// descriptor, or the metadata file of BuildKit.
    pub fn parse(text: &str) -> Result<Self, ReportedError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(ReportedError::Empty);
        }
        if text.starts_with('{') {
            return Self::from_json(text);
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = Self::from_line(lines.next().unwrap_or_default())?;
        for line in lines {
            let other = Self::from_line(line)?;
            if other.digest != first.digest {
                return Err(ReportedError::Several {
                    first: first.digest,
                    second: other.digest,
                });
            }
        }
        Ok(first)
    }

    fn from_line(line: &str) -> Result<Self, ReportedError> {
        if let Ok(digest) = line.parse() {
            return Ok(Self {
                digest,
                reference: None,
                descriptor: None,
            });
        }
        let unusable = || ReportedError::Text(line.chars().take(120).collect());
        let reference: Reference = line.parse().map_err(|_| unusable())?;
        let digest = match &reference {
            Reference::Registry(place) => place.digest.clone(),
            Reference::Layout(place) => place.digest.clone(),
        };
        Ok(Self {
            digest: digest.ok_or_else(unusable)?,
            reference: Some(reference),
            descriptor: None,
        })
    }

    fn from_json(text: &str) -> Result<Self, ReportedError> {
        if let Ok(descriptor) = serde_json::from_str::<Descriptor>(text) {
            return Ok(Self {
                digest: descriptor.digest.clone(),
                reference: None,
                descriptor: Some(descriptor),
            });
        }
        let metadata: BuildKit =
            serde_json::from_str(text).map_err(|error| ReportedError::Json(error.to_string()))?;
        let digest = metadata
            .digest
            .or_else(|| {
                metadata
                    .descriptor
                    .as_ref()
                    .map(|found| found.digest.clone())
            })
            .ok_or_else(|| ReportedError::Json("it has no `containerimage.digest`".into()))?;
        let name = metadata.name.unwrap_or_default();
        Ok(Self {
            reference: name
                .split(',')
                .next()
                .and_then(|name| name.trim().parse().ok()),
            descriptor: metadata.descriptor.filter(|found| found.digest == digest),
            digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::media;

    #[test]
    fn every_form_of_a_digest_file_is_read() {
        let digest = Digest::of(b"m");
        let descriptor = serde_json::to_string(&Descriptor::of(media::MANIFEST, b"m")).unwrap();
        let metadata = format!(
            r#"{{"containerimage.digest":"{digest}","containerimage.descriptor":{descriptor},"image.name":"r.io/a:1,r.io/a:2"}}"#
        );
        let table = [
            (format!("{digest}\n"), None, false),
            (
                format!("\u{feff}r.io/a@{digest}\r\n"),
                Some("r.io/a"),
                false,
            ),
            (
                format!("r.io/a:1@{digest}\nr.io/b:1@{digest}\n"),
                Some("r.io/a:1"),
                false,
            ),
            (descriptor, None, true),
            (metadata, Some("r.io/a:1"), true),
        ];
        for (text, place, described) in table {
            let found = Reported::parse(&text).unwrap();
            assert_eq!(found.digest, digest, "{text}");
            assert_eq!(found.descriptor.is_some(), described, "{text}");
            let reference = found.reference.map(|reference| reference.to_string());
            assert_eq!(reference.is_some(), place.is_some(), "{text}");
            assert!(
                reference
                    .unwrap_or_default()
                    .starts_with(place.unwrap_or_default())
            );
        }
    }

    #[test]
    fn what_is_no_record_says_why() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let two = format!("{a}\n{b}");
        let table = [
            ("  \n", "empty"),
            ("app:latest", "neither a digest nor"),
            ("{}", "containerimage.digest"),
            ("{oops", "neither an OCI descriptor nor"),
            (&two, "names two images"),
        ];
        for (text, reason) in table {
            let error = Reported::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(\\PC|\n|\\{|sha256:|@|[0-9a-f]{64}){0,20}") {
            let _ = Reported::parse(&text);
        }
    }
}
