//! Configuration and manifest of a packed image.

use std::collections::BTreeMap;

use aqueduct_core::image::{
    ContainerConfig, Descriptor, EntryPlatform, History, ImageConfig, Reference, RootFs, media,
};
use aqueduct_core::time::Timestamp;
use aqueduct_registry::{Access, BlobSource, Client, Layout, RawManifest, Repository, pull};
use serde::Serialize;

use super::{PackError, PackOptions, PackReport, layer::Layer};
use crate::spool::SpoolDir;

/// What an image is built on.
pub(super) struct Base {
    /// How its containers start.
    pub(super) config: ContainerConfig,
    rootfs: RootFs,
    history: Vec<History>,
    layers: Vec<Descriptor>,
    repository: Option<Box<dyn Repository>>,
}

/// Reads the base, or starts from nothing.
pub(super) async fn base(client: &Client, options: &PackOptions) -> Result<Base, PackError> {
    let Some(reference) = &options.from else {
        return Ok(Base {
            config: ContainerConfig::default(),
            rootfs: RootFs {
                kind: "layers".into(),
                diff_ids: Vec::new(),
            },
            history: Vec::new(),
            layers: Vec::new(),
            repository: None,
        });
    };
    let repository = client.open(reference, Access::Pull);
    let base = pull::resolve(&*repository, &reference.target(), &options.platform).await?;
    Ok(Base {
        config: base.config.container(),
        rootfs: base.config.rootfs,
        history: base.config.history,
        layers: base.image.layers,
        repository: Some(repository),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
}

/// Writes the image into its layout: blobs, then manifest, then the tag.
pub(super) async fn write(
    options: &PackOptions,
    base: Base,
    layer: Option<Layer>,
) -> Result<PackReport, PackError> {
    let reference = Reference::Layout(options.output.clone());
    let layout = Layout::new(options.output.clone());
    copy_layers(options, &base, &layout).await?;
    let layer_size = layer.as_ref().map_or(0, |layer| layer.descriptor.size);
    let config = json(&config(options, &base, layer.as_ref()))?;
    let mut layers = base.layers.iter().map(as_oci).collect::<Vec<_>>();
    if let Some(layer) = layer {
        let source = BlobSource::File(layer.path());
        layout.put_blob(&layer.descriptor, &source).await?;
        layers.push(layer.descriptor);
    }
    let config_descriptor = Descriptor::of(media::CONFIG, &config);
    layout
        .put_blob(&config_descriptor, &BlobSource::Bytes(config.into()))
        .await?;
    let document = json(&Document {
        schema_version: 2,
        media_type: media::MANIFEST,
        config: &config_descriptor,
        layers: &layers,
    })?;
    let manifest = RawManifest::new(media::MANIFEST, document);
    layout.put_manifest(&reference.target(), &manifest).await?;
    let mut descriptor = manifest.descriptor();
    descriptor.platform = Some(EntryPlatform::from(&options.platform));
    Ok(PackReport {
        reference: reference.with_target(&reference.target()).to_string(),
        digest: manifest.digest,
        descriptor,
        layer_size,
    })
}

/// The base's layers, from wherever it lies.
async fn copy_layers(options: &PackOptions, base: &Base, layout: &Layout) -> Result<(), PackError> {
    let (Some(repository), Some(reference)) = (&base.repository, &options.from) else {
        return Ok(());
    };
    for blob in &base.layers {
        if layout.has_blob(&blob.digest).await? {
            continue;
        }
        if let Reference::Layout(place) = reference {
            let path = Layout::new(place.clone()).blob_path(&blob.digest);
            layout.put_blob(blob, &BlobSource::File(path)).await?;
            continue;
        }
        let dir = SpoolDir::new().map_err(|error| PackError::File {
            path: std::env::temp_dir(),
            cause: error.to_string(),
        })?;
        let path = dir.path().join("layer");
        pull::download(&**repository, blob, &path).await?;
        layout.put_blob(blob, &BlobSource::File(path)).await?;
    }
    Ok(())
}

/// Docker's layers are OCI's under another name; a manifest should not mix both.
fn as_oci(layer: &Descriptor) -> Descriptor {
    let mut layer = layer.clone();
    if layer.media_type == "application/vnd.docker.image.rootfs.diff.tar.gzip" {
        layer.media_type = media::LAYER_GZIP.into();
    }
    layer
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, PackError> {
    serde_json::to_vec(value).map_err(|error| PackError::Invalid(error.to_string()))
}

fn config(options: &PackOptions, base: &Base, layer: Option<&Layer>) -> ImageConfig {
    let created = Timestamp(options.source_date_epoch.saturating_mul(1000)).rfc3339();
    let mut rootfs = base.rootfs.clone();
    let mut history = base.history.clone();
    if let Some(layer) = layer {
        rootfs.diff_ids.push(layer.diff_id.to_string());
        history.push(History {
            created: Some(created.clone()),
            created_by: Some("aqueduct image pack".into()),
            ..History::default()
        });
    }
    ImageConfig {
        created: Some(created),
        architecture: options.platform.architecture.clone(),
        os: options.platform.os.clone(),
        variant: options.platform.variant.clone(),
        os_version: None,
        config: Some(container(options, &base.config)),
        rootfs,
        history,
    }
}

fn container(options: &PackOptions, base: &ContainerConfig) -> ContainerConfig {
    let mut out = base.clone();
    let replaced = |own: &Option<Vec<String>>| own.clone().filter(|list| !list.is_empty());
    if options.entrypoint.is_some() {
        out.entrypoint = replaced(&options.entrypoint);
        // Arguments of another program mean nothing.
        out.cmd = None;
    }
    if options.cmd.is_some() {
        out.cmd = replaced(&options.cmd);
    }
    let mut env = out.env.unwrap_or_default();
    for (key, value) in &options.env {
        let prefix = format!("{key}=");
        env.retain(|entry| !entry.starts_with(&prefix));
        env.push(format!("{key}={value}"));
    }
    out.env = (!env.is_empty()).then_some(env);
    let mut labels: BTreeMap<String, String> = out.labels.unwrap_or_default();
    labels.extend(options.labels.clone());
    out.labels = (!labels.is_empty()).then_some(labels);
    if let Some(user) = &options.user {
        out.user.clone_from(user);
    }
    if let Some(dir) = &options.workdir {
        out.working_dir.clone_from(dir);
    }
    out
}
