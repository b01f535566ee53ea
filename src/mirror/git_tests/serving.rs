//! Clones out of mirrors over smart HTTP, by the real git.

use std::{
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use aqueduct_core::{id::PipelineId, refs::RemoteUrl};
use aqueduct_ports::git::{ByteReader, GitError, Mirrors as _};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use futures_util::TryStreamExt as _;
use tokio::{io::AsyncReadExt as _, net::TcpListener};
use tokio_util::io::{ReaderStream, StreamReader};

use super::{PROJECT, Rig, command, git};
use crate::{GitMirrors, Options};

fn protocol(headers: &HeaderMap) -> Option<&str> {
    headers.get("git-protocol")?.to_str().ok()
}

fn answer(kind: &str, reader: ByteReader) -> Response {
    let body = Body::from_stream(ReaderStream::new(reader));
    (
        [(
            "content-type",
            format!("application/x-git-upload-pack-{kind}"),
        )],
        body,
    )
        .into_response()
}

async fn advertise(State(mirrors): State<Arc<GitMirrors>>, headers: HeaderMap) -> Response {
    let reader = mirrors
        .advertise(PROJECT, protocol(&headers))
        .await
        .unwrap();
    answer("advertisement", reader)
}

async fn upload_pack(
    State(mirrors): State<Arc<GitMirrors>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let request: ByteReader = if headers.contains_key("content-encoding") {
        let mut packed = Vec::new();
        Pin::from(Box::new(body))
            .read_to_end(&mut packed)
            .await
            .unwrap();
        let mut plain = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(packed.as_slice());
        std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
        Box::pin(std::io::Cursor::new(plain))
    } else {
        Box::pin(body)
    };
    let reader = mirrors
        .upload_pack(PROJECT, protocol(&headers), request)
        .await
        .unwrap();
    answer("result", reader)
}

/// Serves the rig's mirrors; answers the address of the project's.
async fn served(rig: &Rig) -> String {
    let router = Router::new()
        .route("/a.git/info/refs", get(advertise))
        .route("/a.git/git-upload-pack", post(upload_pack))
        .with_state(Arc::clone(&rig.mirrors));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/a.git")
}

/// The same, for who logs in as `ann` with `p@ss` only.
async fn served_to_ann(rig: &Rig) -> String {
    let asked = |request: Request, next: Next| async move {
        // ann:p@ss
        let expected = "Basic YW5uOnBAc3M=";
        let given = request.headers().get("authorization");
        if given.is_some_and(|given| given == expected) {
            return next.run(request).await;
        }
        let challenge = [("www-authenticate", "Basic realm=\"test\"")];
        (StatusCode::UNAUTHORIZED, challenge).into_response()
    };
    let router = Router::new()
        .route("/a.git/info/refs", get(advertise))
        .route("/a.git/git-upload-pack", post(upload_pack))
        .with_state(Arc::clone(&rig.mirrors))
        .layer(from_fn(asked))
        .route(
            "/moved.git/info/refs",
            get(|| async { Redirect::permanent("/a.git/info/refs") }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_is_logged_in_to_with_the_addresss_password() {
    let rig = Rig::new();
    let sha = rig.push("a", "one", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    let host = served_to_ann(&rig).await;
    let ours = GitMirrors::new(&rig.dir.path().join("ours"), Options::default()).unwrap();
    let url = |text: String| RemoteUrl::parse(&text).unwrap();
    let ann = url(format!("http://ann:p%40ss@{host}/a.git"));
    let answer = ours.ls_remote(&ann).await.unwrap();
    assert_eq!(answer.refs.len(), 1);
    ours.fetch(PROJECT, &ann, &sha).await.unwrap();
    let config = std::fs::read_to_string(rig.dir.path().join("ours/7.git/config")).unwrap();
    assert!(!config.contains("ann"), "{config}");
    for text in [
        format!("http://{host}/a.git"),
        format!("http://ann:wrong@{host}/a.git"),
    ] {
        let denied = ours.ls_remote(&url(text)).await.unwrap_err();
        assert!(matches!(denied, GitError::Denied { .. }), "{denied}");
        assert!(!denied.to_string().contains("wrong"), "{denied}");
    }
    // Nobody else hears the password, not even where the server says so.
    let moved = url(format!("http://ann:p%40ss@{host}/moved.git"));
    assert!(ours.ls_remote(&moved).await.is_err());
}

/// Runs git on a thread of its own, since this one serves it.
async fn client(dir: PathBuf, args: &[&str]) -> Result<String, String> {
    let mut command = command(&dir, args);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        return Ok(text(output.stdout));
    }
    Err(text(output.stderr))
}

/// Three commits of a branch that is gone, kept for pipeline 5, and `main`.
async fn kept(rig: &Rig) -> String {
    rig.push("a", "one", "refs/heads/main");
    rig.push("a", "two", "refs/heads/gone");
    let sha = rig.push("b", "three", "refs/heads/gone");
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    rig.mirrors
        .keep(PROJECT, PipelineId(5), &sha)
        .await
        .unwrap();
    git(&rig.mirror(), &["update-ref", "-d", "refs/heads/gone"]);
    git(&rig.mirror(), &["update-ref", "refs/hidden/x", &sha]);
    sha
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipelines_commit_is_fetched_by_its_ref_with_every_protocol() {
    let rig = Rig::new();
    let sha = kept(&rig).await;
    let url = served(&rig).await;
    for (version, depth) in [
        ("0", "0"),
        ("1", "0"),
        ("2", "0"),
        ("0", "1"),
        ("2", "1"),
        ("2", "2"),
    ] {
        let copy = rig.dir.path().join(format!("copy{version}-{depth}"));
        git(rig.dir.path(), &["init", "-q", copy.to_str().unwrap()]);
        let version_setting = format!("protocol.version={version}");
        let depth_option = format!("--depth={depth}");
        let mut args = vec!["-c", &version_setting, "fetch", "-q"];
        if depth != "0" {
            args.push(&depth_option);
        }
        args.extend([url.as_str(), "+refs/pipelines/5:refs/pipelines/5"]);
        client(copy.clone(), &args).await.unwrap();
        git(&copy, &["checkout", "-f", "-q", &sha]);
        assert_eq!(std::fs::read_to_string(copy.join("b")).unwrap(), "three");
        let count = git(&copy, &["rev-list", "--count", "HEAD"]);
        assert_eq!(
            count,
            if depth == "0" { "3" } else { depth },
            "{version} {depth}"
        );
        git(&copy, &["fsck"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn branches_tags_and_pipelines_are_shown_and_nothing_else() {
    let rig = Rig::new();
    kept(&rig).await;
    let url = served(&rig).await;
    for version in ["0", "2"] {
        let setting = format!("protocol.version={version}");
        let args = ["-c", &setting, "ls-remote", "--quiet", &url];
        let listing = client(rig.work(), &args).await.unwrap();
        let names: Vec<&str> = listing
            .lines()
            .filter_map(|line| line.split('\t').nth(1))
            .collect();
        assert_eq!(
            names,
            ["HEAD", "refs/heads/main", "refs/pipelines/5"],
            "{version}"
        );
    }
    let refused = client(rig.work(), &["push", "-q", &url, "HEAD:refs/heads/x"]).await;
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_haves_come_packed_and_a_clone_without_blobs_fetches_them_later() {
    let rig = Rig::new();
    rig.commits(3);
    let sha = rig.push("a", "last", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    let url = served(&rig).await;
    let copy = rig.dir.path().join("partial");
    let args = [
        "clone",
        "-q",
        "--filter=blob:none",
        &url,
        copy.to_str().unwrap(),
    ];
    client(rig.dir.path().to_path_buf(), &args).await.unwrap();
    assert_eq!(std::fs::read_to_string(copy.join("a")).unwrap(), "last");
    // Unrelated commits as haves make a request long enough to be packed.
    let other = Rig::new();
    other.commits(40);
    client(other.work(), &["fetch", "-q", &url, "refs/heads/main"])
        .await
        .unwrap();
    assert_eq!(git(&other.work(), &["rev-parse", "FETCH_HEAD"]), sha);
}

#[tokio::test]
async fn nonsense_ends_with_an_error_and_never_hangs() {
    let rig = Rig::new();
    kept(&rig).await;
    for request in ["", "0000", "nonsense", "0032want 0000", "ffff"] {
        let body: ByteReader = Box::pin(std::io::Cursor::new(request));
        let mut reader = rig
            .mirrors
            .upload_pack(PROJECT, Some("version=2"), body)
            .await
            .unwrap();
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), reader.read_to_end(&mut bytes));
        let read = read.await.unwrap();
        assert!(read.is_err() || bytes.len() < 100, "{request}: {read:?}");
    }
}

fn children_of(mirror: &std::path::Path) -> usize {
    let name = mirror.to_str().unwrap().as_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| line.windows(name.len()).any(|part| part == name))
        .count()
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_process() {
    let rig = Rig::new();
    kept(&rig).await;
    let mirror = std::fs::canonicalize(rig.mirror()).unwrap();
    // Its request never ends, so upload-pack waits for the rest.
    let (ours, theirs) = tokio::io::duplex(64);
    let reader = rig
        .mirrors
        .upload_pack(PROJECT, Some("version=2"), Box::pin(theirs))
        .await
        .unwrap();
    assert_eq!(children_of(&mirror), 1);
    drop(reader);
    let began = Instant::now();
    while children_of(&mirror) > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "upload-pack lives on"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(ours);
}
