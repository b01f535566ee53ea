//! The client against Debian's docker-registry.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::io::Write as _;

use aqueduct_core::{
    image::{Descriptor, Reference, Target, media},
    platform::{Arch, Platform},
    verdict::VerdictKind,
};
use aqueduct_registry::{
    Access, BlobSource, Client, ClientOptions, Credential, Credentials, Layout, RawManifest,
    RegistryError, Repository, pull,
};
use aqueduct_testkit::{images, registry};

fn client(password: &'static str) -> Client {
    let credentials = Credentials::from_fn(move |_| {
        Ok(Some(Credential::Password {
            username: "ci".into(),
            password: password.into(),
        }))
    });
    Client::new(ClientOptions {
        credentials,
        ..ClientOptions::default()
    })
    .unwrap()
}

fn start() -> registry::Registry {
    registry::Options::default()
        .login("ci", "secret")
        .start()
        .unwrap()
}

fn open(client: &Client, registry: &registry::Registry, name: &str) -> Box<dyn Repository> {
    let reference: Reference = format!("{}/{name}", registry.host()).parse().unwrap();
    client.open(&reference, Access::Push)
}

/// A minimal image of random content.
async fn push_image(to: &dyn Repository, tag: &str, layer: &[u8]) -> RawManifest {
    let config = format!(
        r#"{{"architecture":"arm64","os":"linux","rootfs":{{"type":"layers","diff_ids":[]}},"x":"{tag}"}}"#
    );
    let config_blob = Descriptor::of(media::CONFIG, config.as_bytes());
    let layer_blob = Descriptor::of(media::LAYER_GZIP, layer);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(layer).unwrap();
    to.put_blob(&layer_blob, &BlobSource::File(file.path().to_owned()))
        .await
        .unwrap();
    to.put_blob(&config_blob, &BlobSource::Bytes(config.into()))
        .await
        .unwrap();
    let document = serde_json::json!({"schemaVersion": 2, "mediaType": media::MANIFEST, "config": config_blob, "layers": [layer_blob]});
    let manifest = RawManifest::new(media::MANIFEST, document.to_string());
    to.put_manifest(&Target::Tag(tag.into()), &manifest)
        .await
        .unwrap();
    manifest
}

#[tokio::test]
async fn blobs_and_manifests_come_back_as_they_went() {
    let registry = start();
    let client = client("secret");
    let repository = open(&client, &registry, "team/app");
    let layer = vec![7; 20_000_000];
    let pushed = push_image(&*repository, "v1", &layer).await;
    let tag = Target::Tag("v1".into());
    assert_eq!(repository.manifest(&tag).await.unwrap(), pushed);
    let head = repository.head_manifest(&tag).await.unwrap().unwrap();
    assert_eq!(head, pushed.descriptor());
    let platform = Platform::linux(Arch::Arm64);
    let found = pull::resolve(&*repository, &tag, &platform).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    pull::download(&*repository, &found.image.layers[0], file.path())
        .await
        .unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap(), layer);
    let other = pull::resolve(&*repository, &tag, &Platform::linux(Arch::Amd64))
        .await
        .unwrap_err();
    assert_eq!(other.verdict_kind(), VerdictKind::ImageNoPlatform);
    assert!(
        other
            .to_string()
            .ends_with("no image for linux/amd64; there is linux/arm64"),
        "{other}"
    );
}

#[tokio::test]
async fn what_is_missing_or_forbidden_is_told_apart() {
    let registry = start();
    let tag = Target::Tag("none".into());
    let known = client("secret");
    let error = open(&known, &registry, "app")
        .manifest(&tag)
        .await
        .unwrap_err();
    assert_eq!(error.verdict_kind(), VerdictKind::ImageNotFound, "{error}");
    assert_eq!(
        open(&known, &registry, "app")
            .head_manifest(&tag)
            .await
            .unwrap(),
        None
    );
    let error = open(&client("wrong"), &registry, "app")
        .manifest(&tag)
        .await
        .unwrap_err();
    assert_eq!(error.verdict_kind(), VerdictKind::ImageAuth, "{error}");
}

#[tokio::test]
async fn a_blob_is_mounted_within_a_registry_and_never_across() {
    let registry = start();
    let client = client("secret");
    let from = open(&client, &registry, "from");
    push_image(&*from, "v1", b"layer").await;
    let blob = Descriptor::of(media::LAYER_GZIP, b"layer");
    let to = open(&client, &registry, "to");
    assert!(to.mount(&blob, from.reference()).await.unwrap());
    assert!(to.has_blob(&blob.digest).await.unwrap());
    let absent = Descriptor::of("x", b"nowhere");
    assert!(!to.mount(&absent, from.reference()).await.unwrap());
    let other: Reference = "registry.example.com/from:1".parse().unwrap();
    assert!(!to.mount(&blob, &other).await.unwrap());
}

#[tokio::test]
async fn an_index_without_its_children_is_refused_with_the_reason() {
    let registry = start();
    let client = client("secret");
    let child = Descriptor::of(media::MANIFEST, b"absent");
    let document =
        serde_json::json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": [child]});
    let index = RawManifest::new(media::INDEX, document.to_string());
    let error = open(&client, &registry, "app")
        .put_manifest(&Target::Tag("v1".into()), &index)
        .await
        .unwrap_err();
    assert!(
        matches!(error, RegistryError::Incomplete { .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("MANIFEST_BLOB_UNKNOWN"),
        "{error}"
    );
}

#[tokio::test]
async fn an_image_of_another_tool_is_resolved_by_platform() {
    let index = images::busybox_index().unwrap();
    let layout = Layout::at(index.path());
    for arch in Arch::ALL {
        let tag = Target::Tag(images::TAG.into());
        let found = pull::resolve(&layout, &tag, &Platform::linux(arch))
            .await
            .unwrap();
        assert_eq!(found.config.architecture, arch.as_str());
    }
}
