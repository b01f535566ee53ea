//! OCI image layouts written from files, byte for byte the same each time (OCI image-spec 1.1).

use std::{
    fs,
    path::{Path, PathBuf},
};

use aqueduct_core::platform::Arch;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::command::{At, Error, Result};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A directory in the form of an OCI image layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    dir: PathBuf,
}

/// One image to write.
#[derive(Clone, Debug)]
pub struct Image {
    /// Architecture in its configuration.
    pub arch: Arch,
    /// Uncompressed layer tars, lowest first.
    pub layers: Vec<Vec<u8>>,
    /// The `config` object: `Cmd`, `Env`, …
    pub config: Value,
}

impl Layout {
    /// Creates an empty layout in `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        let blobs = dir.join("blobs/sha256");
        fs::create_dir_all(&blobs).at(&blobs)?;
        let layout = Self {
            dir: dir.to_owned(),
        };
        layout.put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(layout)
    }

    /// A layout that is already there.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The reference `oci:PATH:TAG`.
    pub fn reference(&self, tag: &str) -> String {
        format!("oci:{}:{tag}", self.dir.display())
    }

    /// Writes the blobs of an image and returns its descriptor, platform included.
    pub fn image(&self, image: &Image) -> Result<Value> {
        let mut layers = Vec::new();
        let mut diff_ids = Vec::new();
        for tar in &image.layers {
            diff_ids.push(digest(tar));
            layers.push(self.blob(LAYER, &gzip(tar).at(&self.dir)?)?);
        }
        let platform = json!({"architecture": image.arch.as_str(), "os": "linux"});
        let config = json!({
            "created": "1970-01-01T00:00:00Z",
            "architecture": image.arch.as_str(),
            "os": "linux",
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob(CONFIG, config.to_string().as_bytes())?,
            "layers": layers,
        });
        let mut descriptor = self.blob(MANIFEST, manifest.to_string().as_bytes())?;
        descriptor["platform"] = platform;
        Ok(descriptor)
    }

    /// Writes an image index over images of this layout and returns its descriptor.
    pub fn index(&self, manifests: &[Value]) -> Result<Value> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.blob(INDEX, index.to_string().as_bytes())
    }

    /// Writes `index.json`: what the layout holds, by tag.
    pub fn tags(&self, tagged: &[(&str, Value)]) -> Result<()> {
        let manifests: Vec<Value> = tagged
            .iter()
            .map(|(tag, descriptor)| {
                let mut entry = descriptor.clone();
                entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
                entry
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.put("index.json", index.to_string().as_bytes())
    }

    /// The descriptor in `index.json` under a tag, without its annotations.
    pub fn tagged(&self, tag: &str) -> Result<Value> {
        let path = self.dir.join("index.json");
        let bytes = fs::read(&path).at(&path)?;
        let index: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let is_tagged =
            |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == tag;
        let entries = index["manifests"].as_array().into_iter().flatten();
        let mut found = entries
            .clone()
            .find(is_tagged)
            .cloned()
            .ok_or(Error::NoImage {
                reference: self.reference(tag),
            })?;
        if let Some(fields) = found.as_object_mut() {
            fields.remove("annotations");
        }
        Ok(found)
    }

    /// Moves the blobs of another layout on the same file system into this one.
    pub fn take_blobs(&self, from: &Path) -> Result<()> {
        let source = from.join("blobs/sha256");
        for entry in fs::read_dir(&source).at(&source)? {
            let entry = entry.at(&source)?;
            let target = self.dir.join("blobs/sha256").join(entry.file_name());
            fs::rename(entry.path(), &target).at(&target)?;
        }
        Ok(())
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Result<Value> {
        let digest = digest(bytes);
        let name = format!("blobs/{}", digest.replace(':', "/"));
        self.put(&name, bytes)?;
        Ok(json!({"mediaType": media_type, "digest": digest, "size": bytes.len()}))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.dir.join(name);
        fs::write(&path, bytes).at(&path)
    }
}

/// `sha256:…` of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Compressed without a name or a time, so that equal input gives equal bytes.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = GzBuilder::new().write(&mut out, Compression::default());
    std::io::Write::write_all(&mut encoder, bytes)?;
    encoder.finish()?;
    Ok(out)
}
