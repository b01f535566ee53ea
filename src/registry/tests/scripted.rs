//! The client against answers that real registries give on bad days.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use aqueduct_core::image::{Descriptor, Digest, Reference, Target, media};
use aqueduct_registry::{
    Access, BlobSource, Client, ClientOptions, Credential, Credentials, RegistryError, pull,
};
use aqueduct_testkit::scripted::{Answer, Server};
use bytes::Bytes;

const BODY: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

fn client(credentials: Credentials) -> Client {
    Client::new(ClientOptions {
        credentials,
        retries: 2,
        ..ClientOptions::default()
    })
    .unwrap()
}

fn serve(
    answer: impl Fn(&aqueduct_testkit::scripted::Request, usize) -> Answer + Send + 'static,
) -> Server {
    Server::start(answer).unwrap()
}

fn reference(server: &Server) -> Reference {
    format!("{}/app:1", server.host()).parse().unwrap()
}

fn index() -> Answer {
    Answer::status(200)
        .header("content-type", media::INDEX)
        .header("docker-content-digest", Digest::of(BODY).to_string())
        .body(BODY)
}

async fn manifest(server: &Server) -> Result<Bytes, RegistryError> {
    let reference = reference(server);
    let repository = client(Credentials::none()).open(&reference, Access::Pull);
    repository
        .manifest(&reference.target())
        .await
        .map(|manifest| manifest.bytes)
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let server = serve(|_, before| match before {
        0 => Answer::status(429).header("retry-after", "1"),
        1 => Answer::status(503),
        _ => index(),
    });
    let start = std::time::Instant::now();
    assert_eq!(manifest(&server).await.unwrap(), BODY);
    assert!(start.elapsed() >= std::time::Duration::from_secs(1));
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[0].header("accept").unwrap().contains(media::INDEX));
}

#[tokio::test]
async fn answers_are_told_apart() {
    let table = [
        (404, "NotFound"),
        (401, "Auth"),
        (403, "Auth"),
        (400, "Refused"),
        (500, "Unreachable"),
    ];
    for (status, kind) in table {
        let server = serve(move |_, _| {
            let body = r#"{"errors":[{"code":"DENIED","message":"not today"}]}"#;
            Answer::status(status).body(body)
        });
        let error = manifest(&server).await.unwrap_err();
        assert!(
            format!("{error:?}").starts_with(kind),
            "{status}: {error:?}"
        );
        assert!(error.to_string().contains("not today"), "{error}");
        assert_eq!(
            server.seen().len(),
            if status == 500 { 3 } else { 1 },
            "{status}"
        );
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_promised_are_refused() {
    let server = serve(|_, _| {
        index()
            .header("x", "y")
            .body(b"{\"schemaVersion\":2}".to_vec())
    });
    let error = manifest(&server).await.unwrap_err();
    assert!(matches!(error, RegistryError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let copy = content.clone();
    let server = serve(
        move |request, before| match (request.header("range"), before) {
            (None, _) => Answer::status(200).body(copy.clone()).cut_after(150_000),
            // This one doesn't know ranges.
            (Some(_), 1) => Answer::status(200).body(copy.clone()).cut_after(300_000),
            (Some(range), _) => {
                let from: usize = range
                    .trim_start_matches("bytes=")
                    .trim_end_matches('-')
                    .parse()
                    .unwrap();
                Answer::status(206).body(copy[from..].to_vec())
            }
        },
    );
    let repository = client(Credentials::none()).open(&reference(&server), Access::Pull);
    let blob = Descriptor::of("x", &content);
    assert_eq!(pull::read_blob(&*repository, &blob).await.unwrap(), content);
    let ranges: Vec<String> = server
        .seen()
        .iter()
        .filter_map(|it| it.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    assert_ne!(ranges[0], ranges[1]);
}

/// Serves `content` and the ends of it that are asked for.
fn ranges(content: &[u8]) -> Server {
    let content = content.to_vec();
    serve(move |request, _| match request.header("range") {
        None => Answer::status(200).body(content.clone()),
        Some(range) => {
            let range = range.trim_start_matches("bytes=").trim_end_matches('-');
            let from: usize = range.parse().unwrap();
            Answer::status(206).body(content[from..].to_vec())
        }
    })
}

#[tokio::test]
async fn what_an_earlier_process_fetched_is_not_fetched_again() {
    let content = b"0123456789".repeat(1000);
    let blob = Descriptor::of("x", &content);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("blob");
    let rotten = [b"rotten", &content[6..7000]].concat();
    let longer = [&content[..], b"more"].concat();
    let table: [(&[u8], &[Option<&str>]); 5] = [
        (b"", &[None]),
        (&content[..7000], &[Some("bytes=7000-")]),
        (&content, &[]),
        (&rotten, &[Some("bytes=7000-"), None]),
        (&longer, &[None]),
    ];
    for (left, asked) in table {
        std::fs::write(&path, left).unwrap();
        let server = ranges(&content);
        let repository = client(Credentials::none()).open(&reference(&server), Access::Pull);
        pull::download(&*repository, &blob, &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), content);
        let seen = server.seen();
        let seen: Vec<_> = seen.iter().map(|it| it.header("range")).collect();
        assert_eq!(seen, asked, "{} bytes were left", left.len());
    }
}

#[tokio::test]
async fn a_long_download_may_break_more_often_than_a_call_is_tried() {
    let content = vec![7; 6_000_000];
    let copy = content.clone();
    let server = serve(move |request, _| {
        let range = request.header("range").unwrap_or("bytes=0-");
        let range = range.trim_start_matches("bytes=").trim_end_matches('-');
        let from: usize = range.parse().unwrap();
        let status = if from == 0 { 200 } else { 206 };
        let rest = copy[from..].to_vec();
        Answer::status(status).body(rest).cut_after(1_500_000)
    });
    let repository = client(Credentials::none()).open(&reference(&server), Access::Pull);
    let blob = Descriptor::of("x", &content);
    assert_eq!(pull::read_blob(&*repository, &blob).await.unwrap(), content);
    assert!(server.seen().len() >= 4);
}

#[tokio::test]
async fn a_token_is_fetched_once_for_its_scope() {
    let tokens = serve(|_, _| Answer::status(200).body(r#"{"token":"t0k","expires_in":300}"#));
    let realm = format!("http://{}/token", tokens.host());
    let server = serve(move |request, _| match request.header("authorization") {
        Some("Bearer t0k") => index(),
        _ => Answer::status(401).header(
            "www-authenticate",
            format!(r#"Bearer realm="{realm}",service="reg""#),
        ),
    });
    let credentials = Credentials::from_fn(|_| {
        Ok(Some(Credential::Password {
            username: "u".into(),
            password: "p".into(),
        }))
    });
    let reference = reference(&server);
    let repository = client(credentials).open(&reference, Access::Pull);
    for _ in 0..2 {
        repository.manifest(&reference.target()).await.unwrap();
    }
    assert_eq!(server.seen().len(), 3);
    let asked = tokens.seen();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].line,
        "GET /token?service=reg&scope=repository%3Aapp%3Apull HTTP/1.1"
    );
    assert_eq!(asked[0].header("authorization"), Some("Basic dTpw"));
}

#[tokio::test]
async fn an_upload_whose_session_breaks_starts_over_and_its_login_stays_home() {
    let elsewhere = serve(|_, before| match before {
        0 => Answer::status(500),
        _ => Answer::status(201),
    });
    let location = format!("http://{}/session?state=x", elsewhere.host());
    let server = serve(move |request, _| {
        match (
            request.header("authorization"),
            request.line.starts_with("POST"),
        ) {
            (None, _) => Answer::status(401).header("www-authenticate", "Basic realm=x"),
            (_, true) => Answer::status(202).header("location", location.clone()),
            _ => Answer::status(404),
        }
    });
    let credentials = Credentials::from_fn(|_| {
        Ok(Some(Credential::Password {
            username: "u".into(),
            password: "p".into(),
        }))
    });
    let repository = client(credentials).open(&reference(&server), Access::Push);
    let blob = Descriptor::of("x", b"content");
    let source = BlobSource::Bytes(Bytes::from_static(b"content"));
    repository.put_blob(&blob, &source).await.unwrap();
    let puts = elsewhere.seen();
    assert_eq!(puts.len(), 2);
    for put in puts {
        assert_eq!(put.header("authorization"), None);
        assert_eq!(put.header("content-length"), Some("7"));
        assert!(
            put.line.contains("state=x&digest=sha256%3A"),
            "{}",
            put.line
        );
    }
}

#[tokio::test]
async fn nobody_there_is_told_without_a_stack_of_causes() {
    let reference: Reference = "127.0.0.1:1/app:1".parse().unwrap();
    let repository = client(Credentials::none()).open(&reference, Access::Pull);
    let error = repository
        .manifest(&Target::Tag("1".into()))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "127.0.0.1:1/app:1: connection refused (os error 111)"
    );
}
