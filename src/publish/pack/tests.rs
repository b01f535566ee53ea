//! Packed images: reproducible, inherited from a base, refused for the wrong machine.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use aqueduct_core::image::Target;
use aqueduct_registry::{ClientOptions, Credentials, Layout, Repository as _, pull};

use super::*;

fn client() -> Client {
    Client::new(ClientOptions {
        credentials: Credentials::none(),
        ..ClientOptions::default()
    })
    .unwrap()
}

fn output(dir: &Path, name: &str) -> LayoutReference {
    LayoutReference {
        path: dir.join(name),
        tag: Some("v1".into()),
        digest: None,
    }
}

fn options(dir: &Path, name: &str) -> PackOptions {
    PackOptions {
        platform: Platform::parse("linux/arm64").unwrap(),
        from: None,
        add: Vec::new(),
        ownership: Ownership::Root,
        entrypoint: None,
        cmd: None,
        env: Vec::new(),
        labels: BTreeMap::new(),
        user: None,
        workdir: None,
        output: output(dir, name),
        source_date_epoch: 1_700_000_000,
    }
}

fn add(source: &Path, target: &str) -> Addition {
    Addition {
        source: source.to_owned(),
        target: target.into(),
    }
}

/// A file that says it is for this machine.
fn elf(path: &Path, machine: u16) {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(18, 0);
    head.extend(machine.to_le_bytes());
    fs::write(path, head).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

fn source_tree(dir: &Path) -> PathBuf {
    let root = dir.join("tree");
    fs::create_dir_all(root.join("bin")).unwrap();
    elf(&root.join("bin/app"), 183);
    fs::hard_link(root.join("bin/app"), root.join("bin/app2")).unwrap();
    std::os::unix::fs::symlink("app", root.join("bin/link")).unwrap();
    fs::write(root.join("data.txt"), "data").unwrap();
    root
}

#[tokio::test]
async fn the_same_files_give_the_same_digest_whatever_their_times_and_modes() {
    let dir = tempfile::tempdir().unwrap();
    let root = source_tree(dir.path());
    let mut first = options(dir.path(), "one");
    first.add = vec![add(&root, "/opt/app")];
    first.entrypoint = Some(vec!["/opt/app/bin/link".into()]);
    let one = pack(&client(), &first).await.unwrap();
    fs::set_permissions(root.join("data.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::File::open(root.join("data.txt"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    let two = pack(
        &client(),
        &PackOptions {
            output: output(dir.path(), "two"),
            ..first
        },
    )
    .await
    .unwrap();
    assert_eq!(one.digest, two.digest);
    // The tar is pinned; its compression may change with the library that does it.
    let layout = Layout::new(output(dir.path(), "two"));
    let platform = Platform::parse("linux/arm64").unwrap();
    let found = pull::resolve(&layout, &Target::Tag("v1".into()), &platform)
        .await
        .unwrap();
    assert_eq!(
        found.config.rootfs.diff_ids,
        ["sha256:315e39d40be03808b0b06564347653ba1156e05969799054542a12a5d205a898"]
    );
}

#[tokio::test]
async fn a_base_gives_layers_and_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let root = source_tree(dir.path());
    let mut base = options(dir.path(), "base");
    base.add = vec![add(&root, "/")];
    base.entrypoint = Some(vec!["/bin/app".into()]);
    base.cmd = Some(vec!["old".into()]);
    base.env = vec![("A".into(), "1".into()), ("B".into(), "1".into())];
    base.user = Some("65534".into());
    pack(&client(), &base).await.unwrap();
    let mut derived = options(dir.path(), "derived");
    derived.from = Some(Reference::Layout(base.output));
    derived.add = vec![add(&root.join("data.txt"), "/etc/")];
    derived.env = vec![("A".into(), "2".into())];
    derived.cmd = Some(vec!["new".into()]);
    derived.workdir = Some("/etc".into());
    pack(&client(), &derived).await.unwrap();
    let layout = Layout::new(derived.output.clone());
    let found = pull::resolve(&layout, &Target::Tag("v1".into()), &derived.platform)
        .await
        .unwrap();
    assert_eq!(found.image.layers.len(), 2);
    assert_eq!(found.config.rootfs.diff_ids.len(), 2);
    let config = found.config.container();
    assert_eq!(config.entrypoint, Some(vec!["/bin/app".into()]));
    assert_eq!(config.cmd, Some(vec!["new".into()]));
    assert_eq!(config.env, Some(vec!["B=1".into(), "A=2".into()]));
    assert_eq!(
        (config.user.as_str(), config.working_dir.as_str()),
        ("65534", "/etc")
    );
    for layer in &found.image.layers {
        assert!(layout.has_blob(&layer.digest).await.unwrap());
    }
    derived.platform = Platform::parse("linux/amd64").unwrap();
    let other = pack(&client(), &derived).await.unwrap_err();
    assert_eq!(other.verdict().kind, VerdictKind::ImageNoPlatform);
}

#[tokio::test]
async fn a_program_for_another_machine_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("app");
    elf(&app, 62);
    let mut options = options(dir.path(), "out");
    options.add = vec![add(&app, "/usr/bin/app")];
    for entrypoint in ["app", "/usr/bin/app", "bin/app"] {
        options.workdir = Some("/usr".into());
        options.entrypoint = Some(vec![entrypoint.into()]);
        let error = pack(&client(), &options).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the entrypoint /usr/bin/app is for x86_64, the image for linux/arm64"
        );
    }
    options.platform = Platform::parse("linux/amd64").unwrap();
    pack(&client(), &options).await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_packed_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let pipe = dir.path().join("tree/sub");
    fs::create_dir_all(&pipe).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(pipe.join("socket")).unwrap();
    let table = [
        (vec![], "nothing to pack"),
        (vec![add(&dir.path().join("none"), "/x")], "No such file"),
        (vec![add(&file, "/a/../b")], "holds `..`"),
        (vec![add(&file, "/")], "file"),
        (
            vec![add(&file, "/x"), add(&file, "/x/y")],
            "both as a file and as a directory",
        ),
        (
            vec![add(&dir.path().join("tree"), "/x")],
            "a socket can't be packed",
        ),
    ];
    for (additions, expected) in table {
        let mut options = options(dir.path(), "out");
        options.add.clone_from(&additions);
        let result = pack(&client(), &options).await;
        if additions.first().is_some_and(|it| it.target == "/") {
            // A trailing slash puts the file into the directory.
            result.unwrap();
            continue;
        }
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn additions_are_read_from_text() {
    assert_eq!(
        Addition::parse("a:b:/c").unwrap(),
        add(Path::new("a:b"), "/c")
    );
    for text in ["a", ":/c", "a:c", "a:"] {
        assert_eq!(Addition::parse(text), None, "{text}");
    }
}
