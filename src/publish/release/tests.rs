//! From specs and artifacts to what the libraries take.

use aqueduct_core::{image::Descriptor, platform::Platform};

use super::*;

fn inputs(dir: &Path) -> ReleaseInputs {
    let jobs = ["build: [amd64]", "build: [arm64]"].map(|job| {
        let at = dir.join(job.replace([':', ' ', '[', ']'], "_"));
        std::fs::create_dir_all(&at).unwrap();
        std::fs::write(
            at.join("digest"),
            format!("{}\n", Descriptor::of("x", job.as_bytes()).digest),
        )
        .unwrap();
        InputArtifacts {
            job: job.into(),
            base: "build".into(),
            dir: at,
        }
    });
    ReleaseInputs {
        jobs: jobs.to_vec(),
        source_date_epoch: None,
    }
}

fn digest_file(job: &str, path: &str) -> IndexSource {
    IndexSource::DigestFile {
        job: job.into(),
        path: path.into(),
    }
}

#[test]
fn a_job_means_all_its_instances_and_an_instance_itself() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    assert_eq!(
        origins(&digest_file("build", "digest"), &inputs)
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        origins(&digest_file("build: [arm64]", "digest"), &inputs)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_artifacts_lack_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    std::os::unix::fs::symlink("/etc/passwd", inputs.jobs[0].dir.join("link")).unwrap();
    let table = [
        (digest_file("test", "digest"), VerdictKind::ArtifactMissing),
        (digest_file("build", "none"), VerdictKind::ArtifactMissing),
        (digest_file("build", "../x"), VerdictKind::ConfigInvalid),
        (
            digest_file("build", "/etc/passwd"),
            VerdictKind::ConfigInvalid,
        ),
        (
            digest_file("build: [amd64]", "link"),
            VerdictKind::ConfigInvalid,
        ),
        (
            IndexSource::Layout {
                job: "build".into(),
                path: ".".into(),
            },
            VerdictKind::ArtifactMissing,
        ),
        (
            IndexSource::Reference("A B".into()),
            VerdictKind::ConfigInvalid,
        ),
    ];
    for (source, kind) in table {
        assert_eq!(
            origins(&source, &inputs).unwrap_err().kind,
            kind,
            "{source:?}"
        );
    }
}

#[test]
fn copies_go_to_the_registries_named() {
    let text = "[registries.eu]\nhost = \"eu.example.com\"\nprefix = \"mirror\"\n";
    let settings = Settings::parse(text, Path::new("aqueduct.toml")).unwrap();
    let release = Release::new(settings, |_| None);
    let mut spec = IndexSpec {
        image: vec!["r.example.com/app:1".into()],
        from: vec![IndexSource::Reference("r.example.com/app:1-amd64".into())],
        platforms: vec![Platform::parse("linux/amd64").unwrap()],
        annotations: indexmap::IndexMap::new(),
        tags: Vec::new(),
        copy_to: vec!["eu".into()],
    };
    let options = release
        .index_options(&spec, &ReleaseInputs::default())
        .unwrap();
    assert_eq!(options.copies[0].to_string(), "eu.example.com/mirror/app:1");
    spec.copy_to = vec!["us".into()];
    let error = release
        .index_options(&spec, &ReleaseInputs::default())
        .unwrap_err();
    assert!(error.cause.contains("there is eu"), "{}", error.cause);
}
