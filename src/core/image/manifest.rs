//! Manifests as values to look into; the raw bytes stay with whoever fetched them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Descriptor, lenient::null_as_default, media};

/// A manifest of one of the two kinds.
#[derive(Clone, Debug, PartialEq)]
pub enum Manifest {
    /// A single image (or artifact).
    Image(Box<ImageManifest>),
    /// Several.
    Index(ImageIndex),
}

/// Manifest of a single image.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// Its own media type, where it says so.
    pub media_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    #[serde(default, deserialize_with = "null_as_default")]
    pub layers: Vec<Descriptor>,
    /// Annotations.
    #[serde(default, deserialize_with = "null_as_default")]
    pub annotations: BTreeMap<String, String>,
    /// The manifest this one refers to.
    pub subject: Option<Descriptor>,
}

/// Index of several images, or Docker's manifest list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIndex {
    /// Its own media type, where it says so.
    pub media_type: Option<String>,
    /// The entries; the first that fits wins, so order is meaning.
    #[serde(default, deserialize_with = "null_as_default")]
    pub manifests: Vec<Descriptor>,
    /// Annotations.
    #[serde(default, deserialize_with = "null_as_default")]
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON expected.
    #[error("not a manifest: {0}")]
    Json(#[from] serde_json::Error),
    /// The document says otherwise than its envelope.
    #[error("the manifest says it is `{inside}` but was served as `{outside}`")]
    Mismatch {
        /// What the document says.
        inside: String,
        /// What the registry or descriptor says.
        outside: String,
    },
    /// Docker's first format, which describes no content by digest.
    #[error(
        "its manifest has schema version 1, which was replaced in 2016 and can't be verified: push the image anew with a current tool"
    )]
    SchemaOne,
    /// A kind that is not read here.
    #[error("manifests of type `{0}` are not supported")]
    Unsupported(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    media_type: Option<String>,
    schema_version: Option<u64>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Reads `bytes`. The media type comes from the registry's header or the descriptor, else from the document.
    pub fn parse(media_type: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestError> {
        let head: Head = serde_json::from_slice(bytes)?;
        if head.schema_version == Some(1) {
            return Err(ManifestError::SchemaOne);
        }
        let known = media_type.filter(|kind| media::is_index(kind) || media::is_image(kind));
        if let (Some(outside), Some(inside)) = (known, &head.media_type)
            && outside != inside
        {
            return Err(ManifestError::Mismatch {
                inside: inside.clone(),
                outside: outside.into(),
            });
        }
        let kind = known.or(head.media_type.as_deref());
        match kind {
            Some(kind) if media::is_index(kind) => Ok(Self::Index(serde_json::from_slice(bytes)?)),
            Some(kind) if media::is_image(kind) => {
                Ok(Self::Image(Box::new(serde_json::from_slice(bytes)?)))
            }
            Some(kind) => Err(ManifestError::Unsupported(kind.into())),
            None if head.manifests.is_some() => Ok(Self::Index(serde_json::from_slice(bytes)?)),
            None => Ok(Self::Image(Box::new(serde_json::from_slice(bytes)?))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_contradicts_the_document_is_refused() {
        let bytes = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        assert!(matches!(
            Manifest::parse(Some(media::INDEX), bytes),
            Ok(Manifest::Index(_))
        ));
        assert!(matches!(
            Manifest::parse(Some(media::MANIFEST), bytes),
            Err(ManifestError::Mismatch { .. })
        ));
    }

    #[test]
    fn a_document_without_a_type_is_told_by_its_shape() {
        let index = br#"{"schemaVersion":2,"manifests":[]}"#;
        assert!(matches!(
            Manifest::parse(None, index),
            Ok(Manifest::Index(_))
        ));
        let generic = Manifest::parse(Some("application/json"), index);
        assert!(matches!(generic, Ok(Manifest::Index(_))));
    }

    #[test]
    fn null_is_read_as_nothing() {
        let digest = super::super::Digest::of(b"config");
        let image = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"{digest}","size":1,"urls":null,"annotations":null}},"layers":null,"annotations":null}}"#
        );
        assert!(matches!(
            Manifest::parse(Some(media::MANIFEST), image.as_bytes()),
            Ok(Manifest::Image(image)) if image.layers.is_empty()
        ));
        let index = br#"{"schemaVersion":2,"manifests":null,"annotations":null}"#;
        assert!(matches!(
            Manifest::parse(Some(media::INDEX), index),
            Ok(Manifest::Index(_))
        ));
    }

    #[test]
    fn what_is_not_a_manifest_is_an_error() {
        for bytes in [&b""[..], b"[]", b"<html>", br#"{"schemaVersion":1}"#, b"{}"] {
            assert!(Manifest::parse(None, bytes).is_err());
        }
    }
}
