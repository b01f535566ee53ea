//! Which images are here.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
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
    pub(super) fn into_image(self, hold: File) -> LocalImage {
        LocalImage {
            _hold: Arc::new(hold),
            digest: self.digest.to_string(),
            platform: self.config.platform(),
            config: self.config.container(),
            layers: self.layers,
        }
    }
}

/// An image on disk.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) last_use: SystemTime,
    pub(super) layers: Vec<String>,
    path: PathBuf,
    file: File,
}

impl Kept {
    /// Forgets the image, unless somebody uses it. Whether that was done.
    pub(super) fn forget(&self) -> io::Result<bool> {
        if self.file.try_lock().is_err() {
            return Ok(false);
        }
        fs::remove_file(&self.path).map(|()| true)
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
        let image = self.image_file(&record.digest);
        // One that is there stays: others hold it by its lock.
        if read::<ImageRecord>(&image).is_none() {
            write(&image, record)?;
        }
        write(&self.ref_file(reference, platform), &record.digest)
    }

    /// Notes that an image is used, and keeps it from being pruned while the answer lives.
    pub(super) fn hold(&self, digest: &Digest) -> io::Result<File> {
        let file = File::open(self.image_file(digest))?;
        file.lock_shared()?;
        file.set_modified(SystemTime::now())?;
        Ok(file)
    }

    /// All images, those not used for longest first. Unreadable ones have no layers.
    pub(super) fn all(&self) -> io::Result<Vec<Kept>> {
        let mut all = Vec::new();
        for path in files(&self.images)? {
            let Ok(file) = File::open(&path) else {
                continue;
            };
            all.push(Kept {
                last_use: file.metadata()?.modified()?,
                layers: read(&path).map_or_else(Vec::new, |record: ImageRecord| record.layers),
                path,
                file,
            });
        }
        all.sort_by_key(|kept| kept.last_use);
        Ok(all)
    }

    /// Removes references to images that are not here any more.
    pub(super) fn drop_dangling(&self) -> io::Result<()> {
        for path in files(&self.refs)? {
            let image = read::<Digest>(&path).map(|digest| self.image_file(&digest));
            if image.is_none_or(|image| !image.exists()) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn image_file(&self, digest: &Digest) -> PathBuf {
        self.images.join(format!("{}.json", digest.hex()))
    }

    fn ref_file(&self, reference: &Reference, platform: &Platform) -> PathBuf {
        let key = Digest::of(format!("{reference}\n{}", platform.normalized()).as_bytes());
        self.refs.join(format!("{}.json", key.hex()))
    }
}

fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
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
