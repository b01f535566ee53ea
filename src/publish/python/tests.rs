//! Releases to directories: rerun, conflict, quorum, what a killed run leaves.

use std::{fmt::Write as _, fs, io::Write as _, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::*;

pub(crate) struct Silent;

impl ReleaseLog for Silent {
    fn line(&self, _text: &str) {}
}

/// A wheel of `demo` 1.0 whose module holds `content`.
pub(crate) fn wheel(dir: &Path, platform: &str, content: &[u8]) -> PathBuf {
    let path = dir.join(format!("demo-1.0-py3-none-{platform}.whl"));
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let tag = format!(
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-{platform}\n"
    );
    let members: [(&str, &[u8]); 3] = [
        ("demo.py", content),
        (
            "demo-1.0.dist-info/METADATA",
            b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Python: >=3.8\n\nA demo.\n",
        ),
        ("demo-1.0.dist-info/WHEEL", tag.as_bytes()),
    ];
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    let mut record = String::new();
    for (name, bytes) in members {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        writeln!(record, "{name},sha256={hash},{}", bytes.len()).unwrap();
    }
    record.push_str("demo-1.0.dist-info/RECORD,,\n");
    zip.start_file("demo-1.0.dist-info/RECORD", options)
        .unwrap();
    zip.write_all(record.as_bytes()).unwrap();
    zip.finish().unwrap();
    path
}

pub(crate) fn sdist(dir: &Path) -> PathBuf {
    let path = dir.join("demo-1.0.tar.gz");
    let gzip = flate2::write::GzEncoder::new(
        fs::File::create(&path).unwrap(),
        flate2::Compression::fast(),
    );
    let mut archive = tar::Builder::new(gzip);
    let text = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, "demo-1.0/PKG-INFO", &text[..])
        .unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    path
}

fn settings(dir: &Path, names: &[&str]) -> Settings {
    let tables: Vec<String> = names
        .iter()
        .map(|name| format!("[destinations.{name}]\ntype = \"directory\"\npath = \"{name}\"\n"))
        .collect();
    Settings::parse(&tables.join("\n"), &dir.join("aqueduct.toml")).unwrap()
}

fn options(files: Vec<PathBuf>, to: &[&str]) -> PublishOptions {
    PublishOptions {
        files,
        to: to.iter().map(|name| (*name).to_owned()).collect(),
        verify_timeout: Duration::from_secs(5),
        ..PublishOptions::default()
    }
}

async fn run(settings: &Settings, options: &PublishOptions) -> PublishReport {
    publish(settings, &|_| None, options, &Silent)
        .await
        .unwrap()
}

fn statuses(report: &PublishReport) -> Vec<DestinationStatus> {
    report.destinations.iter().map(|one| one.status).collect()
}

#[tokio::test]
async fn a_release_reaches_every_directory_and_a_rerun_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = vec![sdist(dir.path()), wheel(dir.path(), "any", b"x = 1\n")];
    let settings = settings(dir.path(), &["a", "b"]);
    let options = options(files, &["a", "b"]);
    let report = run(&settings, &options).await;
    assert_eq!(report.status, ReleaseStatus::Published);
    assert_eq!(report.files[0].filename, "demo-1.0-py3-none-any.whl");
    assert_eq!(statuses(&report), [DestinationStatus::Published; 2]);
    let page = fs::read_to_string(dir.path().join("a/demo/index.html")).unwrap();
    assert!(page.contains("data-requires-python=\"&gt;=3.8\""), "{page}");
    assert!(
        dir.path()
            .join("a/demo/demo-1.0-py3-none-any.whl.metadata")
            .is_file()
    );
    assert!(
        fs::read_to_string(dir.path().join("b/index.html"))
            .unwrap()
            .contains("demo/")
    );
    let again = run(&settings, &options).await;
    assert_eq!(statuses(&again), [DestinationStatus::Unchanged; 2]);
    assert_eq!(
        fs::read_to_string(dir.path().join("a/demo/index.html")).unwrap(),
        page
    );
}

#[tokio::test]
async fn other_bytes_anywhere_stop_the_release_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), &["a", "b"]);
    run(
        &settings,
        &options(vec![wheel(dir.path(), "any", b"old\n")], &["b"]),
    )
    .await;
    let mut options = options(vec![wheel(dir.path(), "any", b"new\n")], &["a", "b"]);
    let report = run(&settings, &options).await;
    assert_eq!(
        statuses(&report),
        [DestinationStatus::Stopped, DestinationStatus::Conflict]
    );
    assert_eq!(
        report.verdict().unwrap().kind,
        VerdictKind::DestinationConflict
    );
    assert!(!dir.path().join("a").exists());
    options.on_conflict = ConflictPolicy::Skip;
    options.require = Require::Count(1);
    let report = run(&settings, &options).await;
    assert_eq!(
        statuses(&report),
        [DestinationStatus::Published, DestinationStatus::Conflict]
    );
    assert_eq!(report.status, ReleaseStatus::Degraded);
    assert_eq!(report.verdict(), None);
    assert_eq!(
        report.lacking().unwrap(),
        "degraded: 1 of 2 destinations are complete, 1 required; lacking: b"
    );
    options.require = Require::All;
    assert_eq!(run(&settings, &options).await.status, ReleaseStatus::Failed);
}

#[tokio::test]
async fn without_the_primary_nobody_gets_anything() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), &["a", "b"]);
    // A file where the directory should be.
    fs::write(dir.path().join("a"), "").unwrap();
    let mut options = options(vec![wheel(dir.path(), "any", b"x\n")], &["b", "a"]);
    options.primary = Some("a".into());
    options.require = Require::Count(1);
    let report = run(&settings, &options).await;
    assert_eq!(
        statuses(&report),
        [DestinationStatus::Stopped, DestinationStatus::Failed]
    );
    assert_eq!(report.status, ReleaseStatus::Failed);
    options.primary = None;
    assert_eq!(
        run(&settings, &options).await.status,
        ReleaseStatus::Degraded
    );
}

#[tokio::test]
async fn a_run_killed_before_the_page_is_finished_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), &["a"]);
    let file = wheel(dir.path(), "any", b"x\n");
    let project = dir.path().join("a/demo");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("demo-1.0-py3-none-any.whl"), "half").unwrap();
    fs::write(project.join(".aqueduct-x"), "half").unwrap();
    let report = run(&settings, &options(vec![file.clone()], &["a"])).await;
    assert_eq!(report.status, ReleaseStatus::Published);
    assert!(!project.join(".aqueduct-x").exists());
    assert_eq!(
        fs::read(project.join("demo-1.0-py3-none-any.whl")).unwrap(),
        fs::read(file).unwrap()
    );
}

#[tokio::test]
async fn bad_files_and_options_stop_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "[destinations.s]\ntype = \"s3\"\n[destinations.a]\ntype = \"directory\"\npath = \"a\"\n";
    let settings = Settings::parse(text, &dir.path().join("aqueduct.toml")).unwrap();
    let good = wheel(dir.path(), "any", b"x\n");
    let native = wheel(dir.path(), "linux_x86_64", b"x\n");
    let (other, junk) = (
        dir.path().join("other"),
        dir.path().join("junk-1.0-py3-none-any.whl"),
    );
    fs::create_dir(&other).unwrap();
    let twin = wheel(&other, "any", b"y\n");
    fs::write(&junk, "not a zip").unwrap();
    let fails = async |files: Vec<PathBuf>, to: &[&str]| {
        let options = options(files, to);
        publish(&settings, &|_| None, &options, &Silent)
            .await
            .unwrap_err()
            .to_string()
    };
    let table = [
        (fails(vec![], &["a"]).await, "nothing to publish"),
        (
            fails(vec![good.clone(), twin], &["a"]).await,
            "two different files are called",
        ),
        (
            fails(vec![good.clone(), junk], &["a"]).await,
            "not a readable wheel",
        ),
        (
            fails(vec![dir.path().join("no-1.tar.gz")], &["a"]).await,
            "no such file",
        ),
        (
            fails(vec![good.clone()], &[]).await,
            "no destination is named",
        ),
        (fails(vec![good.clone()], &["a", "a"]).await, "named twice"),
        (
            fails(vec![good.clone()], &["s"]).await,
            "type `s3` comes in a later version",
        ),
        (
            fails(vec![good.clone()], &["x"]).await,
            "no destination `x`",
        ),
    ];
    for (error, expected) in table {
        assert!(error.contains(expected), "{expected}: {error}");
    }
    assert!(!dir.path().join("a").exists());
    assert_eq!(
        run(&settings, &options(vec![good, native], &["a"]))
            .await
            .files
            .len(),
        2
    );
}

#[tokio::test]
async fn a_dry_run_only_asks() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(vec![wheel(dir.path(), "any", b"x\n")], &["a"]);
    options.dry_run = true;
    let report = run(&settings(dir.path(), &["a"]), &options).await;
    assert_eq!(report.destinations[0].files[0].state, FileState::Absent);
    assert!(!dir.path().join("a").exists());
}
