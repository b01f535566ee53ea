//! Indexes against Debian's docker-registry, with podman and skopeo as referees.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::Mutex};

use aqueduct_core::{
    image::{Descriptor, LayoutReference, Reference, Target, media},
    platform::{Arch, Platform},
    verdict::VerdictKind,
};
use aqueduct_ports::release::ReleaseLog;
use aqueduct_publish::{
    Settings,
    index::{self, ImageOrigin, IndexOptions, IndexReport},
    pack::{self, Addition, Ownership, PackOptions, PackReport},
    registry_client,
};
use aqueduct_registry::{Access, BlobSource, Client, RawManifest};
use aqueduct_testkit::{images::busybox, podman::Podman, registry};

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl ReleaseLog for Lines {
    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// A registry with a login, and a client that has it from its settings.
fn start() -> (registry::Registry, Client) {
    let registry = registry::Options::default()
        .login("ci", "secret")
        .start()
        .unwrap();
    let text = format!(
        "[registries.r]\nhost = \"{}\"\nusername = \"ci\"\npassword = {{ env = \"PASSWORD\" }}\n",
        registry.host()
    );
    let settings = Settings::parse(&text, Path::new("aqueduct.toml")).unwrap();
    let client = registry_client(&settings, |_| Some("secret".into()), []).unwrap();
    (registry, client)
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

fn layout(dir: &Path, arch: Arch) -> LayoutReference {
    LayoutReference {
        path: dir.join(arch.as_str()),
        tag: Some("v1".into()),
        digest: None,
    }
}

fn origin(dir: &Path, arch: Arch) -> ImageOrigin {
    ImageOrigin::Layout {
        name: format!("image of build: [{arch}]"),
        place: layout(dir, arch),
    }
}

/// A small image that says which architecture it is for when it runs.
async fn packed(client: &Client, dir: &Path, arch: Arch) -> PackReport {
    let script = dir.join("hello");
    fs::write(&script, "#!/bin/sh\nuname -m\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let options = PackOptions {
        platform: Platform::linux(arch),
        from: Some(reference(&busybox(arch).unwrap().reference("latest"))),
        add: vec![Addition {
            source: script,
            target: "/hello".into(),
        }],
        ownership: Ownership::Root,
        entrypoint: Some(vec!["/hello".into()]),
        cmd: None,
        env: Vec::new(),
        labels: BTreeMap::new(),
        user: None,
        workdir: None,
        output: layout(dir, arch),
        source_date_epoch: 0,
    };
    pack::pack(client, &options).await.unwrap()
}

async fn create(client: &Client, options: &IndexOptions) -> IndexReport {
    index::create(client, options, &Lines::default())
        .await
        .unwrap()
}

fn both() -> Vec<Platform> {
    Arch::ALL.into_iter().map(Platform::linux).collect()
}

fn skopeo(arguments: &[&str], image: &str) -> Vec<u8> {
    let output = Command::new("skopeo")
        .args(arguments)
        .args(["--tls-verify=false", "--creds=ci:secret"])
        .arg(format!("docker://{image}"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Both layouts assembled under `app:1` and `app:latest`.
async fn released(registry: &registry::Registry, client: &Client, dir: &Path) -> IndexReport {
    for arch in Arch::ALL {
        packed(client, dir, arch).await;
    }
    let options = IndexOptions {
        images: vec![reference(&format!("{}/app:1", registry.host()))],
        sources: Arch::ALL
            .into_iter()
            .rev()
            .map(|arch| origin(dir, arch))
            .collect(),
        platforms: both(),
        tags: vec!["latest".into()],
        ..IndexOptions::default()
    };
    create(client, &options).await
}

#[tokio::test]
async fn layouts_become_an_index_that_others_read() {
    let (registry, client) = start();
    let dir = tempfile::tempdir().unwrap();
    let report = released(&registry, &client, dir.path()).await;
    let tags: Vec<&str> = report
        .pushed
        .iter()
        .map(|one| one.reference.rsplit(':').next().unwrap())
        .collect();
    assert_eq!(tags, ["1", "latest"]);
    let raw = skopeo(
        &["inspect", "--raw"],
        &format!("{}/app:latest", registry.host()),
    );
    assert_eq!(aqueduct_core::image::Digest::of(&raw), report.digest);
    for arch in Arch::ALL {
        let wanted = format!("--override-arch={arch}");
        let seen = skopeo(&[&wanted, "inspect"], &format!("{}/app:1", registry.host()));
        assert!(String::from_utf8_lossy(&seen).contains(&format!("\"Architecture\": \"{arch}\"")));
    }
    let inspected = index::inspect(&client, &reference(&format!("{}/app:1", registry.host())))
        .await
        .unwrap();
    let platforms: Vec<_> = inspected
        .entries
        .iter()
        .map(|entry| entry.platform.clone().unwrap())
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    let again = released(&registry, &client, dir.path()).await;
    assert_eq!(again.digest, report.digest);
    assert!(
        again
            .pushed
            .iter()
            .all(|one| one.previous.as_ref() == Some(&report.digest))
    );
}

#[tokio::test]
async fn podman_runs_the_index_on_both_platforms() {
    let registry = registry::Registry::start().unwrap();
    let client = registry_client(&Settings::default(), |_| None, []).unwrap();
    let dir = tempfile::tempdir().unwrap();
    released(&registry, &client, dir.path()).await;
    let podman = Podman::new().unwrap();
    for arch in Arch::ALL {
        let image = format!("{}/app:1", registry.host());
        let said = podman.run(&Platform::linux(arch), &image, &[]).unwrap();
        assert_eq!(said.trim(), arch.uname());
    }
}

#[tokio::test]
async fn digest_files_and_references_need_few_requests() {
    let (registry, client) = start();
    let dir = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    for arch in Arch::ALL {
        let image = packed(&client, dir.path(), arch).await;
        let options = IndexOptions {
            images: vec![reference(&format!("{}/app:{arch}", registry.host()))],
            sources: vec![origin(dir.path(), arch)],
            ..IndexOptions::default()
        };
        create(&client, &options).await;
        sources.push(ImageOrigin::DigestFile {
            name: format!("digest of {arch}"),
            text: serde_json::to_string(&image.descriptor).unwrap(),
        });
    }
    let mut options = IndexOptions {
        images: vec![reference(&format!("{}/app:1", registry.host()))],
        sources,
        platforms: both(),
        ..IndexOptions::default()
    };
    let before = requests(&registry);
    let by_descriptor = create(&client, &options).await;
    let spent = requests(&registry) - before;
    assert!(spent <= 8, "{spent} requests");
    // Each of these is a one-image index, which is opened again.
    options.sources = Arch::ALL
        .into_iter()
        .map(|arch| ImageOrigin::Reference(reference(&format!("{}/app:{arch}", registry.host()))))
        .collect();
    assert_eq!(create(&client, &options).await.digest, by_descriptor.digest);
    options.sources.pop();
    let error = index::create(&client, &options, &Lines::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the index is not what was asked for: missing: linux/arm64"
    );
}

/// Requests that the registry has answered.
fn requests(registry: &registry::Registry) -> usize {
    registry
        .log()
        .lines()
        .filter(|line| line.contains("HTTP/1.1\""))
        .count()
}

#[tokio::test]
async fn another_repository_gets_its_blobs_by_mount_and_another_registry_by_copy() {
    let (registry, client) = start();
    let other = registry::Registry::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let first = released(&registry, &client, dir.path()).await;
    let options = IndexOptions {
        images: vec![reference(&format!("{}/team/app:2", registry.host()))],
        sources: vec![ImageOrigin::Reference(reference(&format!(
            "{}/app:1",
            registry.host()
        )))],
        platforms: both(),
        copies: vec![
            reference(&format!("{}/mirror/app:2", other.host())),
            reference(&format!("oci:{}:2", dir.path().join("out").display())),
        ],
        ..IndexOptions::default()
    };
    let report = create(&client, &options).await;
    assert_eq!(report.digest, first.digest);
    assert_eq!(report.pushed.len(), 3);
    let seen = index::inspect(&client, &options.copies[0]).await.unwrap();
    assert_eq!(seen.digest, first.digest);
    assert!(registry.log().contains("mount="), "nothing was mounted");
    let local = index::inspect(&client, &options.copies[1]).await.unwrap();
    assert_eq!(local.entries.len(), 2);
}

/// What `docker buildx build --push` leaves under a tag: an index of one image and its attestation.
async fn push_with_attestation(client: &Client, at: &Reference, dir: &Path) -> Descriptor {
    let image = packed(client, dir, Arch::Amd64).await;
    let plain = IndexOptions {
        images: vec![at.clone()],
        sources: vec![origin(dir, Arch::Amd64)],
        ..IndexOptions::default()
    };
    create(client, &plain).await;
    let repository = client.open(at, Access::Push);
    let config = Descriptor::of(media::CONFIG, b"{}");
    repository
        .put_blob(&config, &BlobSource::Bytes("{}".into()))
        .await
        .unwrap();
    let document = serde_json::json!({"schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": []});
    let attestation = RawManifest::new(media::MANIFEST, document.to_string());
    let target = Target::Digest(attestation.digest.clone());
    repository
        .put_manifest(&target, &attestation)
        .await
        .unwrap();
    let mut entry = serde_json::to_value(attestation.descriptor()).unwrap();
    entry["platform"] = serde_json::json!({"architecture": "unknown", "os": "unknown"});
    entry["annotations"] = serde_json::json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image.digest,
    });
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": [image.descriptor, entry]});
    let index = RawManifest::new(media::INDEX, index.to_string());
    repository.put_manifest(&at.target(), &index).await.unwrap();
    serde_json::from_value(entry).unwrap()
}

#[tokio::test]
async fn attestations_of_buildkit_come_along() {
    let (registry, client) = start();
    let dir = tempfile::tempdir().unwrap();
    let amd64 = reference(&format!("{}/build/app:amd64", registry.host()));
    let attestation = push_with_attestation(&client, &amd64, dir.path()).await;
    packed(&client, dir.path(), Arch::Arm64).await;
    let options = IndexOptions {
        images: vec![reference(&format!("{}/app:1", registry.host()))],
        sources: vec![
            ImageOrigin::Reference(amd64),
            origin(dir.path(), Arch::Arm64),
        ],
        platforms: both(),
        ..IndexOptions::default()
    };
    let report = create(&client, &options).await;
    assert_eq!(report.entries.len(), 3);
    assert_eq!(report.entries[2], attestation);
}

#[tokio::test]
async fn failures_blame_the_right_party() {
    let (registry, client) = start();
    let dir = tempfile::tempdir().unwrap();
    packed(&client, dir.path(), Arch::Amd64).await;
    let stranger = registry_client(&Settings::default(), |_| None, []).unwrap();
    let image = format!("{}/app:1", registry.host());
    let table = [
        (
            &stranger,
            origin(dir.path(), Arch::Amd64),
            &image,
            VerdictKind::DestinationAuth,
        ),
        (
            &client,
            ImageOrigin::Reference(reference(&format!("{}/none:1", registry.host()))),
            &image,
            VerdictKind::ImageNotFound,
        ),
        (
            &client,
            ImageOrigin::DigestFile {
                name: "f".into(),
                text: "junk".into(),
            },
            &image,
            VerdictKind::DestinationRefused,
        ),
    ];
    for (client, source, image, kind) in table {
        let options = IndexOptions {
            images: vec![reference(image)],
            sources: vec![source],
            ..IndexOptions::default()
        };
        let error = index::create(client, &options, &Lines::default())
            .await
            .unwrap_err();
        assert_eq!(error.verdict().kind, kind, "{error}");
    }
}
