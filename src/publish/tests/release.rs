//! `index` and `publish` jobs through the port, from the artifacts of the jobs they need.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{collections::BTreeMap, fs, path::Path, sync::Mutex};

use aqueduct_core::{
    image::LayoutReference,
    plan::{ConflictPolicy, IndexSource, IndexSpec, PublishSpec, Require},
    platform::{Arch, Platform},
    verdict::VerdictKind,
};
use aqueduct_ports::release::{InputArtifacts, ReleaseBackend as _, ReleaseInputs, ReleaseLog};
use aqueduct_publish::{
    Release, Settings, index,
    pack::{self, Addition, Ownership, PackOptions},
    registry_client,
};
use aqueduct_testkit::registry;

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Lines {
    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl ReleaseLog for Lines {
    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// Artifacts of `build: [amd64]` and `build: [arm64]`: a layout and an sdist each.
async fn built(dir: &Path) -> ReleaseInputs {
    let client = registry_client(&Settings::default(), |_| None, []).unwrap();
    let mut jobs = Vec::new();
    for arch in Arch::ALL {
        let at = dir.join(arch.as_str());
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("file"), arch.as_str()).unwrap();
        let options = PackOptions {
            platform: Platform::linux(arch),
            from: None,
            add: vec![Addition {
                source: at.join("file"),
                target: "/file".into(),
            }],
            ownership: Ownership::Root,
            entrypoint: None,
            cmd: None,
            env: Vec::new(),
            labels: BTreeMap::new(),
            user: None,
            workdir: None,
            output: LayoutReference {
                path: at.join("image"),
                tag: Some("1".into()),
                digest: None,
            },
            source_date_epoch: 0,
        };
        pack::pack(&client, &options).await.unwrap();
        jobs.push(InputArtifacts {
            job: format!("build: [{arch}]"),
            base: "build".into(),
            dir: at,
        });
    }
    ReleaseInputs {
        project: None,
        jobs,
        source_date_epoch: None,
    }
}

fn index_spec(image: String) -> IndexSpec {
    IndexSpec {
        image: vec![image],
        from: vec![IndexSource::Layout {
            job: "build".into(),
            path: "image/".into(),
        }],
        platforms: Arch::ALL.into_iter().map(Platform::linux).collect(),
        annotations: [(
            "org.opencontainers.image.version".to_owned(),
            "1".to_owned(),
        )]
        .into_iter()
        .collect(),
        tags: vec!["latest".into()],
        copy_to: vec!["mirror".into()],
    }
}

#[tokio::test]
async fn an_index_job_releases_the_layouts_of_its_needs() {
    let dir = tempfile::tempdir().unwrap();
    let (registry, mirror) = (
        registry::Registry::start().unwrap(),
        registry::Registry::start().unwrap(),
    );
    let text = format!(
        "[registries.mirror]\nhost = \"{}\"\nauth = \"anonymous\"\n",
        mirror.host()
    );
    let settings = Settings::parse(&text, &dir.path().join("aqueduct.toml")).unwrap();
    let release = Release::new(settings.clone(), |_| None);
    let mut inputs = built(dir.path()).await;
    let spec = index_spec(format!("{}/app:1", registry.host()));
    let log = Lines::default();
    release.index(&spec, &inputs, &log).await.unwrap();
    assert!(log.text().contains("linux/arm64"), "{}", log.text());
    let client = registry_client(&settings, |_| None, []).unwrap();
    for host in [registry.host(), mirror.host()] {
        let reference = format!("{host}/app:latest").parse().unwrap();
        let seen = index::inspect(&client, &reference).await.unwrap();
        assert_eq!(seen.entries.len(), 2, "{seen}");
        assert_eq!(seen.annotations["org.opencontainers.image.version"], "1");
    }
    inputs.jobs.pop();
    let verdict = release.index(&spec, &inputs, &log).await.unwrap_err();
    assert_eq!(verdict.kind, VerdictKind::DestinationRefused);
    assert!(verdict.cause.ends_with("missing: linux/arm64"), "{verdict}");
}

#[tokio::test]
async fn a_publish_job_releases_the_files_of_its_needs() {
    let dir = tempfile::tempdir().unwrap();
    let settings = "[destinations.local]\ntype = \"directory\"\npath = \"index\"\n";
    let settings = Settings::parse(settings, &dir.path().join("aqueduct.toml")).unwrap();
    let release = Release::new(settings, |_| None);
    let inputs = built(dir.path()).await;
    let file = inputs.jobs[0].dir.join("dist/demo-1.0.tar.gz");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let gzip = flate2::write::GzEncoder::new(
        fs::File::create(&file).unwrap(),
        flate2::Compression::fast(),
    );
    let mut archive = tar::Builder::new(gzip);
    let text = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    archive
        .append_data(&mut header, "demo-1.0/PKG-INFO", &text[..])
        .unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    let mut spec = PublishSpec {
        python: vec!["dist/*".into()],
        to: vec!["local".into()],
        primary: None,
        require: Require::All,
        on_conflict: ConflictPolicy::Fail,
    };
    release
        .publish(&spec, &inputs, &Lines::default())
        .await
        .unwrap();
    assert!(dir.path().join("index/demo/demo-1.0.tar.gz").is_file());
    spec.python = vec!["wheels/*".into()];
    let verdict = release
        .publish(&spec, &inputs, &Lines::default())
        .await
        .unwrap_err();
    assert_eq!(verdict.kind, VerdictKind::ArtifactMissing);
    spec.python = vec!["../dist/*".into()];
    let verdict = release
        .publish(&spec, &inputs, &Lines::default())
        .await
        .unwrap_err();
    assert_eq!(verdict.kind, VerdictKind::ConfigInvalid);
    spec.to = vec!["elsewhere".into()];
    spec.python = vec!["dist/*".into()];
    let verdict = release
        .publish(&spec, &inputs, &Lines::default())
        .await
        .unwrap_err();
    assert_eq!(verdict.kind, VerdictKind::ConfigInvalid);
}
