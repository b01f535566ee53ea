//! Layouts on a real disk.

use aqueduct_core::image::Target;
use bytes::Bytes;
use futures_util::TryStreamExt as _;

use super::*;

fn layout(dir: &Path, tag: Option<&str>) -> Layout {
    Layout::new(LayoutReference {
        path: dir.to_owned(),
        tag: tag.map(str::to_owned),
        digest: None,
    })
}

fn image(text: &str) -> RawManifest {
    let config = Descriptor::of(media::CONFIG, text.as_bytes());
    let document =
        serde_json::json!({"schemaVersion": 2, "mediaType": media::MANIFEST, "config": config});
    RawManifest::new(media::MANIFEST, document.to_string())
}

#[tokio::test]
async fn manifests_come_back_by_tag_and_by_digest() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path(), Some("a"));
    let (first, second) = (image("1"), image("2"));
    for (tag, manifest) in [("a", &first), ("b", &second)] {
        layout
            .put_manifest(&Target::Tag(tag.into()), manifest)
            .await
            .unwrap();
    }
    let unnamed = image("3");
    let by_digest = Target::Digest(unnamed.digest.clone());
    layout.put_manifest(&by_digest, &unnamed).await.unwrap();
    assert_eq!(
        layout.manifest(&Target::Tag("a".into())).await.unwrap(),
        first
    );
    assert_eq!(layout.manifest(&by_digest).await.unwrap(), unnamed);
    assert_eq!(layout.entries().await.unwrap().len(), 2);
    layout
        .put_manifest(&Target::Tag("a".into()), &second)
        .await
        .unwrap();
    assert_eq!(
        layout.manifest(&Target::Tag("a".into())).await.unwrap(),
        second
    );
    let missing = layout.manifest(&Target::Tag("c".into())).await.unwrap_err();
    assert!(
        missing.to_string().ends_with("the layout holds a, b"),
        "{missing}"
    );
    assert_eq!(
        layout
            .head_manifest(&Target::Tag("c".into()))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn without_a_tag_the_only_image_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = image("1");
    let target = Target::Tag("v1".into());
    layout(dir.path(), None)
        .put_manifest(&target, &manifest)
        .await
        .unwrap();
    let latest = Target::Tag("latest".into());
    assert_eq!(
        layout(dir.path(), None).manifest(&latest).await.unwrap(),
        manifest
    );
    assert!(
        layout(dir.path(), Some("latest"))
            .manifest(&latest)
            .await
            .is_err()
    );
    layout(dir.path(), None)
        .put_manifest(&Target::Tag("v2".into()), &image("2"))
        .await
        .unwrap();
    assert!(layout(dir.path(), None).manifest(&latest).await.is_err());
}

#[tokio::test]
async fn blobs_are_verified_on_the_way_in_and_out() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path(), None);
    let blob = Descriptor::of("x", b"content");
    let wrong = BlobSource::Bytes(Bytes::from_static(b"CONTENT"));
    assert!(matches!(
        layout.put_blob(&blob, &wrong).await,
        Err(RegistryError::Corrupt { .. })
    ));
    assert!(!layout.has_blob(&blob.digest).await.unwrap());
    let right = BlobSource::Bytes(Bytes::from_static(b"content"));
    layout.put_blob(&blob, &right).await.unwrap();
    let chunks: Vec<Bytes> = layout
        .blob(&blob)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(chunks.concat(), b"content");
    std::fs::write(layout.blob_path(&blob.digest), b"rotten!").unwrap();
    let read: Result<Vec<Bytes>, _> = layout.blob(&blob).await.unwrap().try_collect().await;
    assert!(matches!(read, Err(RegistryError::Corrupt { .. })));
}

#[tokio::test]
async fn garbage_is_an_error_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("index.json"), b"[1,").unwrap();
    let error = layout(dir.path(), None).entries().await.unwrap_err();
    assert!(error.to_string().contains("index.json"), "{error}");
    let nowhere = layout(Path::new("/nonexistent/layout"), None);
    assert!(matches!(
        nowhere.manifest(&Target::Tag("latest".into())).await,
        Err(RegistryError::NotFound { .. })
    ));
}
