//! Python releases against pypiserver and against servers on a bad day, with pip as referee.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use aqueduct_core::verdict::VerdictKind;
use aqueduct_ports::release::ReleaseLog;
use aqueduct_publish::{
    Settings,
    python::{DestinationStatus, FileState, PublishOptions, PublishReport, ReleaseStatus, publish},
};
use aqueduct_testkit::{
    pypiserver,
    scripted::{Answer, Request, Server},
};

struct Silent;

impl ReleaseLog for Silent {
    fn line(&self, _text: &str) {}
}

/// A wheel and an sdist made by a Python of this machine, which also proves the checks on somebody else's files.
fn distributions(dir: &Path, content: &str) -> Vec<PathBuf> {
    let script = r#"
import base64, hashlib, io, sys, tarfile, zipfile
out, content = sys.argv[1:]
meta = "Metadata-Version: 2.1\nName: aq-demo\nVersion: 1.0\nSummary: demo\nRequires-Python: >=3.7\n\nbody\n"
info = "aq_demo-1.0.dist-info/"
files = {"aq_demo.py": content, info + "METADATA": meta,
         info + "WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
record = ""
wheel = f"{out}/aq_demo-1.0-py3-none-any.whl"
with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as z:
    for name, text in files.items():
        z.writestr(zipfile.ZipInfo(name), text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text)}\n"
    z.writestr(zipfile.ZipInfo(info + "RECORD"), record + info + "RECORD,,\n")
with tarfile.open(f"{out}/aq_demo-1.0.tar.gz", "w:gz") as t:
    member = tarfile.TarInfo("aq_demo-1.0/PKG-INFO")
    member.size = len(meta)
    t.addfile(member, io.BytesIO(meta.encode()))
"#;
    let status = Command::new("python3")
        .args(["-c", script])
        .arg(dir)
        .arg(content)
        .status();
    assert!(status.unwrap().success());
    ["aq_demo-1.0.tar.gz", "aq_demo-1.0-py3-none-any.whl"]
        .map(|name| dir.join(name))
        .to_vec()
}

fn pypi(name: &str, upload: &str, index: &str) -> String {
    format!(
        "[destinations.{name}]\ntype = \"pypi\"\nupload_url = \"{upload}\"\nindex_url = \"{index}\"\n\
         username = \"ci\"\npassword = {{ env = \"PASSWORD\" }}\n"
    )
}

fn settings(text: &str) -> Settings {
    Settings::parse(text, Path::new("aqueduct.toml")).unwrap()
}

fn options(files: Vec<PathBuf>, to: &[&str]) -> PublishOptions {
    PublishOptions {
        files,
        to: to.iter().map(|name| (*name).to_owned()).collect(),
        verify_timeout: Duration::from_secs(10),
        ..PublishOptions::default()
    }
}

async fn run(settings: &Settings, password: &str, options: &PublishOptions) -> PublishReport {
    let password = password.to_owned();
    publish(settings, &move |_| Some(password.clone()), options, &Silent)
        .await
        .unwrap()
}

fn server() -> pypiserver::PypiServer {
    pypiserver::Options::default()
        .login("ci", "secret")
        .start()
        .unwrap()
}

fn pip_installs(index: &str, dir: &Path) {
    let program = pypiserver::install().unwrap();
    let pip = program.parent().unwrap().join("pip");
    let output = Command::new(pip)
        .args([
            "install",
            "--quiet",
            "--no-cache-dir",
            "--index-url",
            index,
            "--target",
        ])
        .arg(dir)
        .arg("aq-demo==1.0")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(dir.join("aq_demo.py").is_file());
}

#[tokio::test]
async fn three_regions_and_a_directory_get_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let servers = [server(), server(), server()];
    let mut text = format!(
        "[destinations.d]\ntype = \"directory\"\npath = \"{}\"\n",
        dir.path().join("index").display()
    );
    for (name, server) in ["a", "b", "c"].iter().zip(&servers) {
        text.push_str(&pypi(name, &server.upload_url(), &server.index_url()));
    }
    let settings = settings(&text);
    let files = distributions(dir.path(), "x = 1\n");
    let mut options = options(files.clone(), &["a", "b", "c", "d"]);
    options.primary = Some("b".into());
    let report = run(&settings, "secret", &options).await;
    assert_eq!(report.status, ReleaseStatus::Published, "{report}");
    for server in &servers {
        for file in &files {
            let there = server.packages().join(file.file_name().unwrap());
            assert_eq!(fs::read(there).unwrap(), fs::read(file).unwrap());
        }
    }
    pip_installs(&servers[1].index_url(), &dir.path().join("from-server"));
    let local = format!("file://{}", dir.path().join("index").display());
    pip_installs(&local, &dir.path().join("from-directory"));
    let again = run(&settings, "secret", &options).await;
    assert!(
        again
            .destinations
            .iter()
            .all(|one| one.status == DestinationStatus::Unchanged),
        "{again}"
    );
}

#[tokio::test]
async fn a_half_published_release_is_completed_and_a_rebuilt_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = server();
    let settings = settings(&pypi("a", &server.upload_url(), &server.index_url()));
    let files = distributions(dir.path(), "x = 1\n");
    run(&settings, "secret", &options(files[1..].to_vec(), &["a"])).await;
    let report = run(&settings, "secret", &options(files, &["a"])).await;
    let states: Vec<FileState> = report.destinations[0]
        .files
        .iter()
        .map(|file| file.state)
        .collect();
    assert_eq!(
        states,
        [FileState::Present, FileState::Verified],
        "{report}"
    );
    let rebuilt = distributions(dir.path(), "x = 2\n");
    let report = run(&settings, "secret", &options(rebuilt, &["a"])).await;
    assert_eq!(
        report.verdict().unwrap().kind,
        VerdictKind::DestinationConflict,
        "{report}"
    );
}

#[tokio::test]
async fn a_wrong_password_blames_the_configuration_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let server = server();
    let settings = settings(&pypi("a", &server.upload_url(), &server.index_url()));
    let report = run(
        &settings,
        "hunter2",
        &options(distributions(dir.path(), "x"), &["a"]),
    )
    .await;
    assert_eq!(
        report.verdict().unwrap().kind,
        VerdictKind::DestinationAuth,
        "{report}"
    );
    assert!(!format!("{report:?}").contains("hunter2"));
}

/// A server that keeps what it is sent and lists it with hashes; `post` answers uploads.
fn scripted(post: impl Fn(usize) -> (bool, Answer) + Send + 'static) -> Server {
    let stored: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let posts = Mutex::new(0);
    Server::start(move |request, _| {
        if !request.line.starts_with("POST") {
            return page(&stored.lock().unwrap());
        }
        let mut count = posts.lock().unwrap();
        let (store, answer) = post(*count);
        *count += 1;
        if store {
            stored.lock().unwrap().push(uploaded(request));
        }
        answer
    })
    .unwrap()
}

fn page(stored: &[(String, String)]) -> Answer {
    let links: Vec<String> = stored
        .iter()
        .map(|(name, hash)| format!("<a href=\"{name}#sha256={hash}\">{name}</a>"))
        .collect();
    Answer::status(200)
        .header("content-type", "text/html")
        .body(links.join("\n"))
}

/// File name and hash as the form says them.
fn uploaded(request: &Request) -> (String, String) {
    let form = String::from_utf8_lossy(&request.body).into_owned();
    let after = |marker: &str, end: &str| {
        let rest = form.split_once(marker).unwrap().1;
        rest.split_once(end).unwrap().0.trim().to_owned()
    };
    (
        after("filename=\"", "\""),
        after("name=\"sha256_digest\"\r\n\r\n", "\r\n"),
    )
}

async fn against(server: &Server, files: Vec<PathBuf>) -> PublishReport {
    let url = format!("http://{}/", server.host());
    let settings = settings(&pypi("a", &url, &url));
    let mut options = options(files, &["a"]);
    options.verify_timeout = Duration::from_secs(2);
    run(&settings, "secret", &options).await
}

fn posts(server: &Server) -> usize {
    server
        .seen()
        .iter()
        .filter(|request| request.line.starts_with("POST"))
        .count()
}

#[tokio::test]
async fn answers_are_settled_by_hash() {
    let dir = tempfile::tempdir().unwrap();
    let wheel = distributions(dir.path(), "x")[1..].to_vec();
    let lost = scripted(|_| (true, Answer::status(500)));
    assert_eq!(
        against(&lost, wheel.clone()).await.status,
        ReleaseStatus::Published
    );
    assert_eq!(posts(&lost), 1);
    let exists = scripted(|_| (true, Answer::status(400).body("File already exists")));
    assert_eq!(
        against(&exists, wheel.clone()).await.status,
        ReleaseStatus::Published
    );
    let busy = scripted(|count| match count {
        0 => (false, Answer::status(503)),
        _ => (true, Answer::status(200)),
    });
    assert_eq!(
        against(&busy, wheel.clone()).await.status,
        ReleaseStatus::Published
    );
    assert_eq!(posts(&busy), 2);
    let liar = scripted(|_| (false, Answer::status(200)));
    let report = against(&liar, wheel).await;
    assert_eq!(
        report.verdict().unwrap().kind,
        VerdictKind::DestinationFailed
    );
    assert!(
        report.to_string().contains("was sent but is not listed"),
        "{report}"
    );
}

#[tokio::test]
async fn refusals_are_not_repeated_and_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let wheel = distributions(dir.path(), "x")[1..].to_vec();
    let table = [
        (
            Answer::status(400).body(r#"{"message":"no such classifier"}"#),
            VerdictKind::DestinationRefused,
            "no such classifier",
        ),
        (
            Answer::status(403).body("<html><p>not yours</p></html>"),
            VerdictKind::DestinationAuth,
            "not yours",
        ),
        (
            Answer::status(308).header("location", "/legacy/"),
            VerdictKind::DestinationRefused,
            "trailing slash",
        ),
    ];
    for (answer, kind, text) in table {
        let answer = Mutex::new(Some(answer));
        let server = scripted(move |_| (false, answer.lock().unwrap().take().unwrap()));
        let report = against(&server, wheel.clone()).await;
        assert_eq!(report.verdict().unwrap().kind, kind, "{report}");
        assert!(report.to_string().contains(text), "{report}");
        assert_eq!(posts(&server), 1);
    }
}

#[tokio::test]
async fn a_redirect_to_somebody_elses_project_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let public = Server::start(|_, _| {
        Answer::status(200).body("<a href=x>aq_demo-1.0-py3-none-any.whl</a>")
    })
    .unwrap();
    let elsewhere = format!("http://{}/simple/aq-demo/", public.host());
    let server =
        Server::start(move |_, _| Answer::status(302).header("location", elsewhere.clone()))
            .unwrap();
    let report = against(&server, distributions(dir.path(), "x")[1..].to_vec()).await;
    assert!(
        report.to_string().contains("redirects to another host"),
        "{report}"
    );
    assert_eq!(public.seen().len(), 0);
    assert_eq!(posts(&server), 0);
}

#[tokio::test]
async fn the_form_holds_what_servers_look_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = scripted(|_| (true, Answer::status(200)));
    against(&server, distributions(dir.path(), "x")[1..].to_vec()).await;
    let post = server
        .seen()
        .into_iter()
        .find(|request| request.line.starts_with("POST"))
        .unwrap();
    assert_eq!(post.header("authorization"), Some("Basic Y2k6c2VjcmV0"));
    assert_eq!(
        post.header("content-length"),
        Some(post.body.len().to_string().as_str())
    );
    let form = String::from_utf8_lossy(&post.body).into_owned();
    for part in [
        "name=\":action\"\r\n\r\nfile_upload",
        "name=\"pyversion\"\r\n\r\npy3",
        "name=\"requires_python\"\r\n\r\n>=3.7",
        "name=\"content\"; filename=\"aq_demo-1.0-py3-none-any.whl\"",
    ] {
        assert!(form.contains(part), "{part}");
    }
}

#[tokio::test]
async fn what_the_public_index_would_refuse_reaches_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = pypi(
        "public",
        "https://upload.pypi.org/legacy/",
        "https://pypi.org/simple/",
    );
    text.push_str("[destinations.d]\ntype = \"directory\"\npath = \"index\"\n");
    let settings = Settings::parse(&text, &dir.path().join("aqueduct.toml")).unwrap();
    let local = dir.path().join("aq_demo-1.0+local.tar.gz");
    repack_as(&distributions(dir.path(), "x")[0], &local);
    let options = options(vec![local], &["d", "public"]);
    let error = publish(&settings, &|_| Some("x".into()), &options, &Silent)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "public: aq_demo-1.0+local.tar.gz has the local version 1.0+local"
    );
    assert!(!dir.path().join("index").exists());
}

/// The same sdist under a local version.
fn repack_as(from: &Path, to: &Path) {
    let mut archive =
        tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(from).unwrap()));
    let gzip =
        flate2::write::GzEncoder::new(fs::File::create(to).unwrap(), flate2::Compression::fast());
    let mut out = tar::Builder::new(gzip);
    for entry in archive.entries().unwrap() {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry.unwrap(), &mut text).unwrap();
        let text = text.replace("Version: 1.0\n", "Version: 1.0+local\n");
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        out.append_data(&mut header, "aq_demo-1.0/PKG-INFO", text.as_bytes())
            .unwrap();
    }
    out.into_inner().unwrap().finish().unwrap();
}
