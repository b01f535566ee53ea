//! `index.json` of a layout: which manifests it holds, under which names.

use std::{collections::BTreeMap, fs, io, path::Path};

use aqueduct_core::image::{Descriptor, media};
use serde::{Deserialize, Serialize};

use super::store::{place, prepare};
use crate::RegistryError;

/// Annotation that names an entry.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// The name of an entry.
pub(super) fn name(entry: &Descriptor) -> Option<&String> {
    entry.annotations.get(REF_NAME)
}

/// "it holds a, b", for messages.
pub(super) fn available(root: &Path, entries: &[Descriptor]) -> String {
    let names: Vec<&str> = entries
        .iter()
        .map(|entry| name(entry).map_or("an image without a tag", String::as_str))
        .collect();
    if names.is_empty() && !root.join("index.json").exists() {
        format!("there is no OCI layout in {}", root.display())
    } else if names.is_empty() {
        "the layout is empty".into()
    } else {
        format!("the layout holds {}", names.join(", "))
    }
}

/// All entries; none if there is no layout yet.
pub(super) fn read(root: &Path) -> Result<Vec<Descriptor>, RegistryError> {
    Ok(load(root)?.map_or_else(Vec::new, |document| document.manifests))
}

fn load(root: &Path) -> Result<Option<Document>, RegistryError> {
    let path = root.join("index.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RegistryError::io(path)(error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let cause = format!("not the index of an OCI layout: {error}");
        RegistryError::protocol(path.display().to_string(), cause)
    })
}

/// Lists a manifest under a name, which it takes from whichever had it.
pub(super) fn put(root: &Path, manifest: Descriptor, tag: &str) -> Result<(), RegistryError> {
    let _lock = prepare(root)?;
    let mut document = load(root)?.unwrap_or_else(|| Document {
        schema_version: 2,
        media_type: Some(media::INDEX.into()),
        manifests: Vec::new(),
        annotations: BTreeMap::new(),
    });
    let mut entry = manifest;
    entry.annotations.insert(REF_NAME.into(), tag.into());
    document
        .manifests
        .retain(|old| name(old).is_none_or(|old| old != tag));
    document.manifests.push(entry);
    document.manifests.sort_by(|a, b| name(a).cmp(&name(b)));
    write(root, &document)
}

fn write(root: &Path, document: &Document) -> Result<(), RegistryError> {
    let path = root.join("index.json");
    let bytes = serde_json::to_vec(document)
        .map_err(|error| RegistryError::protocol(path.display().to_string(), error.to_string()))?;
    place(root, &path, &bytes)
}
