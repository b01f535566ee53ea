//! From a reference to an image for one platform.

use std::path::Path;

use aqueduct_core::{
    image::{Descriptor, ImageConfig, ImageManifest, Manifest, NoPlatform, Target, select},
    platform::Platform,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncWriteExt as _;

use crate::{Prefix, RawManifest, RegistryError, Repository};

/// An image for one platform.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Its manifest as it lies in the registry; the digest names the image.
    pub manifest: RawManifest,
    /// The manifest, read: configuration and layers.
    pub image: ImageManifest,
    /// The configuration, read.
    pub config: ImageConfig,
    /// The configuration's exact bytes.
    pub config_bytes: Vec<u8>,
}

/// Indexes within indexes that are followed; more is a mistake or an attack.
const DEPTH: usize = 4;
/// No configuration is larger.
const CONFIG_LIMIT: u64 = 8 * 1024 * 1024;

/// Finds the image for `platform` behind `target`: by the index where there is one, checked against the image's own
/// configuration in any case, which is the truth.
pub async fn resolve(
    repository: &dyn Repository,
    target: &Target,
    platform: &Platform,
) -> Result<Resolved, RegistryError> {
    let name = repository.reference().with_target(target).to_string();
    let mut target = target.clone();
    for _ in 0..DEPTH {
        let manifest = repository.manifest(&target).await?;
        match manifest.parse(&name)? {
            Manifest::Image(image) => {
                return finish(repository, &name, manifest, *image, platform).await;
            }
            Manifest::Index(index) => {
                let entry =
                    select(&index, platform).map_err(|source| RegistryError::NoPlatform {
                        what: name.clone(),
                        source,
                    })?;
                target = Target::Digest(entry.digest.clone());
            }
        }
    }
    let cause = format!("indexes are nested more than {DEPTH} deep");
    Err(RegistryError::protocol(name, cause))
}

async fn finish(
    repository: &dyn Repository,
    name: &str,
    manifest: RawManifest,
    image: ImageManifest,
    platform: &Platform,
) -> Result<Resolved, RegistryError> {
    let (config, config_bytes) = read_config(repository, name, &image.config).await?;
    let actual = config.platform();
    if !actual.matches(platform) {
        return Err(RegistryError::NoPlatform {
            what: name.to_owned(),
            source: NoPlatform {
                wanted: platform.clone(),
                available: vec![actual],
            },
        });
    }
    Ok(Resolved {
        manifest,
        image,
        config,
        config_bytes,
    })
}

/// Reads an image's configuration; `name` stands in the error.
pub async fn read_config(
    repository: &dyn Repository,
    name: &str,
    descriptor: &Descriptor,
) -> Result<(ImageConfig, Vec<u8>), RegistryError> {
    let bytes = read_blob(repository, descriptor).await?;
    let config = serde_json::from_slice(&bytes).map_err(|error| {
        let cause = format!("its configuration is not that of an image: {error}");
        RegistryError::protocol(name, cause)
    })?;
    Ok((config, bytes))
}

/// Reads a small blob into memory, verified.
pub async fn read_blob(
    repository: &dyn Repository,
    descriptor: &Descriptor,
) -> Result<Vec<u8>, RegistryError> {
    if descriptor.size > CONFIG_LIMIT {
        let cause = format!(
            "{} bytes are too many for this kind of blob",
            descriptor.size
        );
        return Err(RegistryError::protocol(
            descriptor.digest.to_string(),
            cause,
        ));
    }
    let stream = repository.blob(descriptor).await?;
    let bytes = stream.try_fold(Vec::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    });
    bytes.await
}

/// Streams a blob into the file at `path`, verified. What an earlier try left there is kept and only the rest asked for;
/// if both together turn out not to be the blob, it is fetched anew. On an error the file stays, for the next try:
/// whoever will not try again removes it.
pub async fn download(
    repository: &dyn Repository,
    descriptor: &Descriptor,
    path: &Path,
) -> Result<(), RegistryError> {
    let (at, blob) = (path.to_owned(), descriptor.clone());
    let prefix = tokio::task::spawn_blocking(move || Prefix::read(&at, &blob))
        .await
        .map_err(|error| RegistryError::protocol(path.display().to_string(), error.to_string()))?
        .map_err(RegistryError::io(path))?;
    let resumed = prefix.length() > 0;
    match append(repository, descriptor, prefix, path).await {
        // Other bytes than the registry's were there, or it can't go on in the middle.
        Err(RegistryError::Corrupt { .. } | RegistryError::Refused { .. }) if resumed => {
            let none = Prefix::none(descriptor);
            append(repository, descriptor, none, path).await
        }
        other => other,
    }
}

async fn append(
    repository: &dyn Repository,
    descriptor: &Descriptor,
    prefix: Prefix,
    path: &Path,
) -> Result<(), RegistryError> {
    let length = prefix.length();
    let mut stream = repository.rest_of_blob(descriptor, prefix).await?;
    let mut file = tokio::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .await
        .map_err(RegistryError::io(path))?;
    file.set_len(length)
        .await
        .map_err(RegistryError::io(path))?;
    while let Some(chunk) = stream.next().await {
        file.write_all(&chunk?)
            .await
            .map_err(RegistryError::io(path))?;
    }
    file.flush().await.map_err(RegistryError::io(path))
}
