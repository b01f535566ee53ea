//! Images as other tools, broken disks and hostile people make them: every byte is free.

use std::{fs, io::Write as _};

use aqueduct_core::image::{Digest, Verifier};
use aqueduct_testkit::layout::digest;
use serde_json::{Value, json};
use tempfile::TempDir;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image in the making, in a layout of its own.
pub(crate) struct Foreign {
    dir: TempDir,
    /// Descriptors, lowest first.
    pub(crate) layers: Vec<Value>,
    /// The image's configuration, the digests of its layers included.
    pub(crate) config: Value,
}

impl Foreign {
    /// No layer, for amd64.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for algorithm in ["sha256", "sha512"] {
            fs::create_dir_all(dir.path().join("blobs").join(algorithm)).unwrap();
        }
        fs::write(
            dir.path().join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        let rootfs = json!({"type": "layers", "diff_ids": []});
        let config =
            json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs});
        Self {
            dir,
            layers: Vec::new(),
            config,
        }
    }

    /// Adds an uncompressed layer.
    pub(crate) fn layer(self, tar: &[u8]) -> Self {
        self.packed(LAYER, tar, tar)
    }

    /// Adds the layer `tar`, stored as `bytes`.
    pub(crate) fn packed(mut self, media_type: &str, tar: &[u8], bytes: &[u8]) -> Self {
        let blob = self.blob(media_type, bytes);
        self.layers.push(blob);
        self.diff_ids().push(digest(tar).into());
        self
    }

    /// What the configuration says of its layers.
    pub(crate) fn diff_ids(&mut self) -> &mut Vec<Value> {
        self.config["rootfs"]["diff_ids"].as_array_mut().unwrap()
    }

    /// Stores a blob under its digest.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        self.store(&digest(bytes), bytes);
        json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
    }

    /// Stores a blob under its longer digest.
    pub(crate) fn blob_sha512(&self, media_type: &str, bytes: &[u8]) -> Value {
        let name = sha512(bytes);
        self.store(&name, bytes);
        json!({"mediaType": media_type, "digest": name, "size": bytes.len()})
    }

    /// Stores bytes under any digest.
    pub(crate) fn store(&self, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join("blobs").join(name.replace(':', "/"));
        fs::write(path, bytes).unwrap();
    }

    /// Takes a blob away.
    pub(crate) fn lose(&self, blob: &Value) {
        let name = blob["digest"].as_str().unwrap().replace(':', "/");
        fs::remove_file(self.dir.path().join("blobs").join(name)).unwrap();
    }

    /// The image's manifest, stored.
    pub(crate) fn manifest(&self) -> Value {
        let config = self.blob(
            "application/vnd.oci.image.config.v1+json",
            self.config.to_string().as_bytes(),
        );
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": self.layers});
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    /// The reference of the image.
    pub(crate) fn reference(&self) -> String {
        self.tag(&self.manifest())
    }

    /// Tags what `entry` describes and answers the reference.
    pub(crate) fn tag(&self, entry: &Value) -> String {
        let mut entry = entry.clone();
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": "test"});
        let index = json!({"schemaVersion": 2, "manifests": [entry]});
        fs::write(self.dir.path().join("index.json"), index.to_string()).unwrap();
        format!("oci:{}:test", self.dir.path().display())
    }
}

/// `sha512:…` of some bytes.
pub(crate) fn sha512(bytes: &[u8]) -> String {
    let any: Digest = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
    let mut hash = Verifier::new(&any);
    hash.update(bytes);
    hash.finish().to_string()
}

/// Compressed with gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
