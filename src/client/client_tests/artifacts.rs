//! Uploads and downloads, packed by the real workspace.

use std::{fs, sync::Arc};

use aqueduct_ports::{
    work::{Assignment, WorkSource as _},
    workspace::{
        ArtifactKind, ArtifactStore as _, Checkout, Selection, WorkingCopies as _, WorkingCopy,
        WorkspaceError,
    },
};
use aqueduct_workspace::{Checkouts, CheckoutsConfig};
use serde_json::json;
use tempfile::TempDir;

use super::{Call, Reply, Server, offer, source, usual};
use crate::{HttpWorkSource, RemoteArtifacts};

struct Rig {
    dir: TempDir,
    server: Server,
    job: Assignment,
    copy: WorkingCopy,
    store: RemoteArtifacts,
    _source: HttpWorkSource,
}

impl Rig {
    /// A leased job with a file, and a server that answers calls about artifacts so.
    async fn new(artifacts: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let server = Server::start(move |call| {
            if call.path.ends_with("/artifacts") || call.path.starts_with("/objects") {
                artifacts(call)
            } else {
                usual(call)
            }
        })
        .await;
        let source = source(&server);
        let job = source.lease(&offer()).await.unwrap().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let checkouts = Checkouts::open(&CheckoutsConfig {
            builds_dir: dir.path().join("builds"),
            cache_dir: dir.path().join("cache"),
            quota: aqueduct_workspace::Quota::NONE,
        })
        .unwrap();
        let copy = checkouts
            .prepare(job.lease.key, Checkout::Empty)
            .await
            .unwrap();
        fs::create_dir(copy.dir.join("out")).unwrap();
        fs::write(copy.dir.join("out/a.txt"), "content").unwrap();
        fs::write(copy.dir.join("a.xml"), "<a/>").unwrap();
        let store = RemoteArtifacts::new(&source, Arc::new(checkouts));
        Self {
            dir,
            server,
            job,
            copy,
            store,
            _source: source,
        }
    }

    async fn store(&self, kind: ArtifactKind, path: &str) -> Result<u64, WorkspaceError> {
        let selection = Selection {
            paths: vec![path.to_owned()],
            ..Selection::default()
        };
        let stored = self.store.store(&self.copy, &kind, &selection).await;
        stored.map(|selected| selected.entries)
    }

    async fn fetch(&self) -> Result<u64, WorkspaceError> {
        let into = self.dir.path().join("into");
        fs::create_dir_all(&into).unwrap();
        self.store.fetch(self.job.dependencies[0].key, into).await
    }
}

fn archive() -> ArtifactKind {
    ArtifactKind::Archive { name: None }
}

fn zip() -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("built.txt", options).unwrap();
    zip.write_all(b"built").unwrap();
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn uploads_say_what_they_are_as_a_stock_runners_do() {
    let rig = Rig::new(|_| Reply::status(201)).await;
    assert_eq!(rig.store(archive(), "out").await.unwrap(), 2);
    let junit = ArtifactKind::Report("junit".into());
    assert_eq!(rig.store(junit.clone(), "*.xml").await.unwrap(), 1);
    let calls = rig.server.calls("POST");
    let [_, first, second] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(first.path, "/api/v4/jobs/1001/artifacts");
    assert_eq!(first.header("job-token"), "glcbt-EXAMPLE");
    assert_eq!(
        first.query,
        "artifact_format=zip&artifact_type=archive&expire_in=1+week"
    );
    let body = String::from_utf8_lossy(&first.body);
    assert!(
        body.contains("name=\"file\"; filename=\"default.zip\""),
        "{body}"
    );
    assert_eq!(second.query, "artifact_format=gzip&artifact_type=junit");
    let body = String::from_utf8_lossy(&second.body);
    assert!(body.contains("filename=\"junit.xml.gz\""), "{body}");
    // What was sent of a report can be read again.
    let read = rig.store.read(rig.copy.key, &junit, 100).await.unwrap();
    assert_eq!(
        (read[0].path.as_str(), read[0].bytes.as_slice()),
        ("a.xml", &b"<a/>"[..])
    );
    let left = fs::read_dir(rig.copy.dir.ancestors().nth(3).unwrap()).unwrap();
    let files = left.flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("file-")
    });
    assert_eq!(files.count(), 0);
}

#[tokio::test]
async fn nothing_selected_is_nothing_sent() {
    let rig = Rig::new(|_| Reply::status(201)).await;
    assert_eq!(rig.store(archive(), "nothing").await.unwrap(), 0);
    assert_eq!(rig.server.calls("POST").len(), 1);
}

#[tokio::test]
async fn an_upload_is_tried_again_and_refused_with_the_servers_words() {
    let rig = Rig::new(|call| match call.number {
        0 => Reply::status(503).header("retry-after", "0"),
        _ => Reply::status(201),
    })
    .await;
    rig.store(archive(), "out").await.unwrap();
    assert_eq!(rig.server.calls("POST").len(), 3);

    let refusing = Rig::new(|_| Reply::json(413, &json!({"message": "too large"}))).await;
    let error = refusing.store(archive(), "out").await.unwrap_err();
    let expected = "upload artifacts: the server says 413 (too large)";
    assert_eq!(error, WorkspaceError::Refused(expected.into()));
}

#[tokio::test]
async fn a_download_uses_its_own_token_and_goes_on_where_it_broke_off() {
    let rig = Rig::new(|call| {
        let zip = zip();
        match call.number {
            0 => Reply::bytes(200, &zip[..20])
                .header("etag", "\"v1\"")
                .torn(),
            _ if call.header("range") == "bytes=20-" => Reply::bytes(206, &zip[20..]),
            _ => Reply::status(400),
        }
    })
    .await;
    assert_eq!(rig.fetch().await.unwrap(), 1);
    assert_eq!(
        fs::read(rig.dir.path().join("into/built.txt")).unwrap(),
        b"built"
    );
    let calls = rig.server.calls("GET");
    assert_eq!(calls[0].path, "/api/v4/jobs/5/artifacts");
    assert_eq!(calls[0].query, "direct_download=true");
    assert_eq!(calls[1].query, "");
    assert_eq!(calls[0].header("job-token"), "glcbt-DEP");
    assert_eq!(calls[1].header("if-range"), "\"v1\"");
}

#[tokio::test]
async fn an_object_store_gets_no_token() {
    let rig = Rig::new(|call| match call.path.as_str() {
        "/objects/5" => Reply::bytes(200, &zip()),
        _ => Reply::status(302).header("location", "/objects/5?signature=x"),
    })
    .await;
    assert_eq!(rig.fetch().await.unwrap(), 1);
    let last = rig.server.calls("GET").pop().unwrap();
    assert_eq!(
        (last.path.as_str(), last.header("job-token")),
        ("/objects/5", "")
    );
}

#[tokio::test]
async fn what_is_gone_or_forbidden_is_told_so() {
    let gone = Rig::new(|_| Reply::status(404)).await;
    let error = gone.fetch().await.unwrap_err();
    assert_eq!(
        error,
        WorkspaceError::Missing("the archive of job 5".into())
    );
    let forbidden = Rig::new(|_| Reply::status(403)).await;
    let error = forbidden.fetch().await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Refused(_)), "{error:?}");
}
