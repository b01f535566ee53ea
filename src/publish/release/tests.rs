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
        project: None,
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

struct Silent;

impl ReleaseLog for Silent {
    fn line(&self, _text: &str) {}
}

const OPERATOR: &str = r#"
[destinations.east]
type = "directory"
path = "east"
[destinations.west]
type = "directory"
path = "west"
[registries.eu]
host = "eu.example.com"
[projects."group/name"]
destinations = ["east"]
repositories = ["r.example.com/team"]
packages = ["demo"]
"#;

fn guarded(dir: &Path) -> Release {
    let settings = Settings::parse(OPERATOR, &dir.join("aqueduct.toml")).unwrap();
    Release::new(settings, |_| None).guarded()
}

#[tokio::test]
async fn images_go_nowhere_and_come_from_nowhere_that_is_not_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let release = guarded(dir.path());
    let inputs = ReleaseInputs {
        project: Some("group/name".into()),
        ..inputs(dir.path())
    };
    let foreign = inputs.jobs[0].dir.join("foreign");
    let digest = Descriptor::of("x", b"x").digest;
    std::fs::write(foreign, format!("r.example.com/secret/app@{digest}\n")).unwrap();
    let own = || IndexSource::Reference("r.example.com/team/app:1-amd64".into());
    let secret = || IndexSource::Reference("r.example.com/secret/app:1".into());
    let table = [
        (
            "r.example.com/other:1",
            own(),
            &[][..],
            "r.example.com/other",
        ),
        ("oci:image:1", own(), &[], "oci:image"),
        (
            "r.example.com/team/app:1",
            own(),
            &["eu"],
            "`eu` is not among registries",
        ),
        (
            "r.example.com/team/app:1",
            secret(),
            &[],
            "r.example.com/secret/app",
        ),
        (
            "r.example.com/team/app:1",
            digest_file("build: [amd64]", "foreign"),
            &[],
            "r.example.com/secret/app",
        ),
    ];
    for (image, from, copies, expected) in table {
        let spec = IndexSpec {
            image: vec![image.into()],
            from: vec![from],
            platforms: Vec::new(),
            annotations: indexmap::IndexMap::new(),
            tags: Vec::new(),
            copy_to: copies.iter().map(|&name| name.to_owned()).collect(),
        };
        let verdict = release.index(&spec, &inputs, &Silent).await.unwrap_err();
        assert_eq!(verdict.kind, VerdictKind::ConfigInvalid);
        assert!(verdict.cause.contains(expected), "{image}: {verdict}");
        assert!(verdict.cause.contains("[projects.\"group/name\"]"));
    }
}

#[tokio::test]
async fn packages_go_only_where_their_project_may() {
    let dir = tempfile::tempdir().unwrap();
    let release = guarded(dir.path());
    let mut inputs = inputs(dir.path());
    std::fs::write(inputs.jobs[0].dir.join("other-1.0.tar.gz"), "").unwrap();
    let table = [
        (
            Some("group/name"),
            vec!["east", "west"],
            "`west` is not among destinations",
        ),
        (
            Some("group/name"),
            vec!["east"],
            "`other` is not among packages",
        ),
        (
            Some("group/else"),
            vec!["east"],
            "there is no [projects.\"group/else\"]",
        ),
        (None, vec!["east"], "belongs to no project"),
    ];
    for (project, to, expected) in table {
        inputs.project = project.map(str::to_owned);
        let spec = PublishSpec {
            python: vec!["*.tar.gz".into()],
            to: to.into_iter().map(str::to_owned).collect(),
            primary: None,
            require: aqueduct_core::plan::Require::All,
            on_conflict: aqueduct_core::plan::ConflictPolicy::Fail,
        };
        let verdict = release.publish(&spec, &inputs, &Silent).await.unwrap_err();
        assert_eq!(verdict.kind, VerdictKind::ConfigInvalid);
        assert!(verdict.cause.contains(expected), "{verdict}");
    }
    assert!(!dir.path().join("east").exists());
}

#[tokio::test]
async fn no_link_leads_a_package_out_of_its_artifacts() {
    let dir = tempfile::tempdir().unwrap();
    let release = guarded(dir.path());
    let inputs = ReleaseInputs {
        project: Some("group/name".into()),
        ..inputs(dir.path())
    };
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("demo-1.0.tar.gz"), "").unwrap();
    let own = &inputs.jobs[0].dir;
    std::os::unix::fs::symlink(&elsewhere, own.join("linked")).unwrap();
    let file = elsewhere.join("demo-1.0.tar.gz");
    std::os::unix::fs::symlink(file, own.join("demo-1.0.tar.gz")).unwrap();
    for glob in ["linked/*.tar.gz", "demo-1.0.tar.gz"] {
        let spec = PublishSpec {
            python: vec![glob.into()],
            to: vec!["east".into()],
            primary: None,
            require: aqueduct_core::plan::Require::All,
            on_conflict: aqueduct_core::plan::ConflictPolicy::Fail,
        };
        let verdict = release.publish(&spec, &inputs, &Silent).await.unwrap_err();
        assert_eq!(
            verdict.cause,
            "`demo-1.0.tar.gz` leads out of the artifacts"
        );
    }
}
