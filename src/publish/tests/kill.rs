//! A publisher that is killed at any moment leaves nothing wrong, and the next run finishes its work.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aqueduct_core::package::parse_page;
use aqueduct_ports::release::ReleaseLog;
use aqueduct_publish::{
    Settings,
    python::{PublishOptions, ReleaseStatus, publish},
};
use sha2::{Digest as _, Sha256};

/// Where the publishing process finds its files and its index; set only by the test that kills it.
const PLACE: &str = "AQUEDUCT_TEST_KILL";
/// Projects released one after the other.
const PROJECTS: usize = 24;
/// Processes killed.
const ROUNDS: u32 = 12;

struct Silent;

impl ReleaseLog for Silent {
    fn line(&self, _text: &str) {}
}

fn sdist(dir: &Path, project: usize) -> PathBuf {
    let path = dir.join(format!("p{project}-1.0.tar.gz"));
    let gzip = flate2::write::GzEncoder::new(
        fs::File::create(&path).unwrap(),
        flate2::Compression::none(),
    );
    let mut archive = tar::Builder::new(gzip);
    let text = format!("Metadata-Version: 2.1\nName: p{project}\nVersion: 1.0\n");
    for (name, content) in [("PKG-INFO", text.into_bytes()), ("data", vec![7; 300_000])] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, format!("p{project}-1.0/{name}"), &content[..])
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    path
}

async fn release_all(place: &Path) {
    let text = "[destinations.d]\ntype = \"directory\"\npath = \"index\"\n";
    let settings = Settings::parse(text, &place.join("aqueduct.toml")).unwrap();
    for project in 0..PROJECTS {
        let options = PublishOptions {
            files: vec![place.join(format!("p{project}-1.0.tar.gz"))],
            to: vec!["d".into()],
            ..PublishOptions::default()
        };
        let report = publish(&settings, &|_| None, &options, &Silent)
            .await
            .unwrap();
        assert_eq!(report.status, ReleaseStatus::Published, "{report}");
    }
}

/// The process that is killed is this very test; run as an ordinary test, it releases everything once.
#[tokio::test]
async fn everything_is_released_by_an_undisturbed_run() {
    let given = env::var_os(PLACE).map(PathBuf::from);
    let own = tempfile::tempdir().unwrap();
    let place = given.clone().unwrap_or_else(|| own.path().to_owned());
    if given.is_none() {
        (0..PROJECTS).for_each(|project| drop(sdist(&place, project)));
    }
    release_all(&place).await;
    assert_eq!(released(&place), PROJECTS);
}

fn start(place: &Path, temp: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "everything_is_released_by_an_undisturbed_run"])
        .env(PLACE, place)
        .env("TMPDIR", temp)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How many projects are listed; every file that a page names is there with the hash it says.
fn released(place: &Path) -> usize {
    let index = place.join("index");
    let mut count = 0;
    for project in (0..PROJECTS).map(|project| index.join(format!("p{project}"))) {
        let Ok(page) = fs::read_to_string(project.join("index.html")) else {
            continue;
        };
        for file in parse_page("text/html", &page).unwrap() {
            let bytes = fs::read(project.join(&file.filename)).unwrap();
            assert_eq!(file.sha256.unwrap(), hex::encode(Sha256::digest(&bytes)));
            count += 1;
        }
    }
    count
}

/// Milliseconds up to `limit`, never the same twice in a row.
fn moment(limit: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Duration::from_millis(u64::from(now.subsec_micros()).wrapping_mul(7919) % limit)
}

#[test]
fn killed_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let (place, temp) = (dir.path().join("place"), dir.path().join("temp"));
    fs::create_dir(&place).unwrap();
    fs::create_dir(&temp).unwrap();
    (0..PROJECTS).for_each(|project| drop(sdist(&place, project)));
    let begin = Instant::now();
    assert!(start(&place, &temp).wait().unwrap().success());
    let whole = u64::try_from(begin.elapsed().as_millis()).unwrap().max(10);
    for _ in 0..ROUNDS {
        // What one round left, the next goes on with, until there is nothing left to do.
        if released(&place) == PROJECTS {
            fs::remove_dir_all(place.join("index")).unwrap();
        }
        let mut child = start(&place, &temp);
        sleep(moment(whole));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(start(&place, &temp).wait().unwrap().success());
    assert_eq!(released(&place), PROJECTS);
    let mut left: Vec<PathBuf> = walkdir::WalkDir::new(place.join("index"))
        .into_iter()
        .chain(walkdir::WalkDir::new(&temp))
        .map(|entry| entry.unwrap().into_path())
        .collect();
    left.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".aqueduct-") || name.starts_with("spool-")
    });
    assert_eq!(left, Vec::<PathBuf>::new());
}
