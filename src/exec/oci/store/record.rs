//! Which images are here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aqueduct_core::{
    image::{Digest, ImageConfig, Reference},
    platform::Platform,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::LocalImage;

/// What is kept of an image beside its layers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ImageRecord {
    pub(super) digest: Digest,
    pub(super) config: ImageConfig,
    pub(super) layers: Vec<String>,
}

impl ImageRecord {
    pub(super) fn into_image(self) -> LocalImage {
        LocalImage {
            digest: self.digest.to_string(),
            platform: self.config.platform(),
            config: self.config.container(),
            layers: self.layers,
        }
    }
}

/// The files under `images` and `refs`.
#[derive(Debug)]
pub(super) struct Records {
    images: PathBuf,
    refs: PathBuf,
}

impl Records {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            images: root.join("images"),
            refs: root.join("refs"),
        }
    }

    /// What the reference meant last; unreadable files count as absent.
    pub(super) fn find(&self, reference: &Reference, platform: &Platform) -> Option<ImageRecord> {
        let digest: Digest = read(&self.ref_file(reference, platform))?;
        read(&self.image_file(&digest))
    }

    /// Writes the image first, so that no reference ever points to nothing.
    pub(super) fn store(
        &self,
        reference: &Reference,
        platform: &Platform,
        record: &ImageRecord,
    ) -> io::Result<()> {
        write(&self.image_file(&record.digest), record)?;
        write(&self.ref_file(reference, platform), &record.digest)
    }

    fn image_file(&self, digest: &Digest) -> PathBuf {
        self.images.join(format!("{}.json", digest.hex()))
    }

    fn ref_file(&self, reference: &Reference, platform: &Platform) -> PathBuf {
        let key = Digest::of(format!("{reference}\n{}", platform.normalized()).as_bytes());
        self.refs.join(format!("{}.json", key.hex()))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whole or not at all.
fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    serde_json::to_writer(&mut file, value)?;
    file.persist(path)?;
    Ok(())
}
