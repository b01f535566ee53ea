//! Images of other people: whatever they hold, they run, or fail with a word that says why and leave nothing.

use std::process::Command;

use aqueduct_core::verdict::VerdictKind;
use aqueduct_ports::executor::JobSpec;
use aqueduct_testkit::{
    command::run,
    scripted::{Answer, Server},
};
use serde_json::json;
use tar::EntryType;

use crate::{
    oci::Oci,
    support::{
        foreign::{Foreign, INDEX, MANIFEST, gzip, sha512},
        images::{Ran, busybox_layer, layer, run_in, with_image},
    },
};

/// Runs a script in the image; what came out, or why nothing did. What it left half done, the next run finishes or
/// removes.
async fn run_image(name: String, script: &str) -> Ran {
    let subject = Oci::new();
    let ran = run_in(&subject, with_image(|image| image.name = name), script).await;
    let (next, subject) = (base(), subject.again());
    let name = next.reference();
    let after = run_in(&subject, with_image(|image| image.name = name), ":").await;
    assert!(after.outcome.verdict.is_none(), "{:?}", after.outcome);
    assert_eq!(subject.unfinished(), Vec::<String>::new());
    // Beside a layer that is refused, another one may wait for the next try: a day, by design.
    if ran.outcome.verdict.is_none() {
        assert_eq!(subject.blobs(), Vec::<String>::new());
    }
    ran
}

async fn output(image: &Foreign, script: &str) -> String {
    let ran = run_image(image.reference(), script).await;
    assert!(ran.outcome.verdict.is_none(), "{:?}", ran.outcome);
    ran.text
}

/// An image that has a shell.
fn base() -> Foreign {
    Foreign::new().layer(&busybox_layer())
}

fn file(name: &str, text: &str) -> Vec<u8> {
    layer(&[(EntryType::Regular, name, text)])
}

#[tokio::test]
async fn as_many_layers_as_other_engines_take_are_stacked() {
    for count in [60, 126] {
        let mut image = base();
        for number in 0..count {
            image = image.layer(&file(&format!("many/{number}"), "x"));
        }
        let text = output(&image, "ls /many | wc -l; touch /many/more && echo written").await;
        assert_eq!(text, format!("{count}\nwritten\n"));
    }
}

#[tokio::test]
async fn every_compression_is_read_whatever_the_media_type_says() {
    let (plain, zipped, zstd) = (file("a", "1"), file("b", "2"), file("c", "3"));
    let members = [gzip(&zipped[..700]), gzip(&zipped[700..])].concat();
    let image = base()
        .packed(
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            &plain,
            &plain,
        )
        .packed("application/vnd.oci.image.layer.v1.tar", &zipped, &members)
        .packed("x", &zstd, &zstd::encode_all(zstd.as_slice(), 1).unwrap());
    assert_eq!(output(&image, "cat /a /b /c").await, "123");
}

#[tokio::test]
async fn longer_digests_are_read_and_checked() {
    let mut image = base();
    let tar = file("a", "1");
    let blob = image.blob_sha512("x", &tar);
    image.layers.push(blob);
    image.diff_ids().push(sha512(&tar).into());
    assert_eq!(output(&image, "cat /a").await, "1");
    image.store(&sha512(&tar), &file("a", "2"));
    let ran = run_image(image.reference(), ":").await;
    assert!(ran.cause().contains("got sha512:"), "{}", ran.cause());
}

#[tokio::test]
async fn an_index_is_searched_for_the_machine() {
    let image = base();
    let entry = |platform| {
        let mut entry = image.manifest();
        entry["platform"] = platform;
        entry
    };
    let index = |entries: &[serde_json::Value]| {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        image.tag(&image.blob(INDEX, index.to_string().as_bytes()))
    };
    let amd64 = json!({"architecture": "amd64", "os": "linux"});
    let mut attestation = entry(json!({"architecture": "unknown", "os": "unknown"}));
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let windows = entry(json!({"architecture": "amd64", "os": "windows", "os.version": "10"}));
    let fitting = [
        vec![windows.clone(), attestation.clone(), entry(amd64)],
        vec![attestation.clone(), image.manifest()],
    ];
    for entries in fitting {
        let ran = run_image(index(&entries), "echo hi").await;
        assert_eq!(ran.text, "hi\n", "{:?}", ran.outcome);
    }
    let s390x = entry(json!({"architecture": "s390x", "os": "linux"}));
    let table = [
        (
            vec![windows, s390x],
            "no image for linux/amd64; there is windows/amd64, linux/s390x",
        ),
        (vec![attestation], "there is none for any platform"),
        (vec![], "there is none for any platform"),
    ];
    for (entries, text) in table {
        let ran = run_image(index(&entries), ":").await;
        assert_eq!(ran.kind(), VerdictKind::ImageNoPlatform);
        assert!(ran.cause().contains(text), "{}", ran.cause());
    }
}

/// What is wrong with an image.
type Change<'a> = &'a dyn Fn(&mut Foreign);

#[tokio::test]
async fn what_lies_or_is_cut_short_is_told_apart_and_leaves_nothing() {
    let tar = file("a", "content");
    let zipped = gzip(&tar);
    let broken = |change: Change| {
        let mut image = base().packed("x", &tar, &zipped);
        change(&mut image);
        image
    };
    let name = |image: &Foreign| image.layers[1]["digest"].as_str().unwrap().to_owned();
    let table: [(Change, &str); 12] = [
        (
            &|it| it.store(&name(it), &[b"?", &zipped[1..]].concat()),
            "got sha256:",
        ),
        (
            &|it| it.store(&name(it), &zipped[..40]),
            "got 40 bytes, expected",
        ),
        (
            &|it| it.store(&name(it), &[&zipped[..], b"x"].concat()),
            "got more than",
        ),
        (
            &|it| it.layers[1]["size"] = 7.into(),
            "got more than 7 bytes",
        ),
        (
            &|it| it.layers[1]["size"] = 70_000.into(),
            "expected 70000 bytes",
        ),
        (
            &|it| it.layers[1] = it.blob("x", &zipped[..40]),
            "the layer is no readable tar",
        ),
        (
            &|it| it.layers[1] = it.blob("x", b"no tar at all"),
            "the layer is no readable tar",
        ),
        (
            &|it| it.diff_ids()[1] = sha512(b"other").into(),
            "the unpacked layer has digest",
        ),
        (
            &|it| it.diff_ids()[1] = "md5:1".into(),
            "`md5:1` is not a digest",
        ),
        (
            &|it| drop(it.diff_ids().pop()),
            "2 layers and the configuration 1",
        ),
        (
            &|it| it.lose(&it.layers[1].clone()),
            "is missing from the registry",
        ),
        (
            &|it| {
                it.lose(&it.layers[1].clone());
                it.layers[1]["urls"] = json!(["https://elsewhere.example.com/layer"]);
            },
            "a foreign one, kept not in the registry but at https://elsewhere",
        ),
    ];
    for (change, text) in table {
        let ran = run_image(broken(change).reference(), ":").await;
        assert!(ran.cause().contains(text), "{text}: {}", ran.cause());
        assert_eq!(ran.kind(), VerdictKind::ImagePull, "{}", ran.cause());
    }
}

#[tokio::test]
async fn documents_that_are_none_are_told_with_their_fault() {
    let image = base();
    let manifest = |text: &str| image.blob(MANIFEST, text.as_bytes());
    let config = |text: &str| {
        let config = image.blob("x", text.as_bytes());
        manifest(&json!({"schemaVersion": 2, "config": config, "layers": []}).to_string())
    };
    let table = [
        (manifest("<html>"), "not a manifest"),
        (manifest("{}"), "missing field `config`"),
        (manifest(r#"{"schemaVersion":1}"#), "schema version 1"),
        (
            image.blob("x", br#"{"mediaType":"x"}"#),
            "manifests of type `x` are not supported",
        ),
        (config("[]"), "its configuration is not that of an image"),
        (config("{}"), "missing field `architecture`"),
    ];
    for (entry, text) in table {
        let ran = run_image(image.tag(&entry), ":").await;
        assert!(ran.cause().contains(text), "{text}: {}", ran.cause());
        assert_eq!(ran.kind(), VerdictKind::ImagePull, "{}", ran.cause());
    }
}

#[tokio::test]
async fn manifests_of_the_first_schema_are_refused_with_the_way_out() {
    let server = Server::start(|_, _| {
        Answer::status(200)
            .header(
                "content-type",
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
            )
            .body(r#"{"schemaVersion":1,"name":"app","tag":"1","fsLayers":[]}"#)
    })
    .unwrap();
    let ran = run_image(format!("{}/app:1", server.host()), ":").await;
    assert!(
        ran.cause().contains("push the image anew"),
        "{}",
        ran.cause()
    );
}

#[tokio::test]
async fn users_of_an_image_are_who_it_says() {
    let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1500:1600::/home/app:/bin/false\n";
    let group = "root:x:0:\napp:x:1600:\nextra:x:1700:app\n";
    let users = layer(&[
        (EntryType::Regular, "etc/passwd", passwd),
        (EntryType::Regular, "etc/group", group),
    ]);
    let table = [
        ("app", "1500 1600 1600 1700 /home/app\n"),
        ("1234:5678", "1234 5678 5678 /\n"),
        ("app:extra", "1500 1700 1700 /home/app\n"),
        ("1500", "1500 1600 1600 1700 /home/app\n"),
    ];
    for (user, expected) in table {
        let mut image = base().layer(&users);
        image.config["config"]["User"] = user.into();
        let script = "touch made; echo $(id -u) $(id -g) $(id -G) $HOME";
        assert_eq!(output(&image, script).await, expected, "{user}");
    }
    for (user, text) in [("nemo", "no user `nemo`"), ("app:none", "no group `none`")] {
        let mut image = base().layer(&users);
        image.config["config"]["User"] = user.into();
        let ran = run_image(image.reference(), ":").await;
        assert_eq!(ran.kind(), VerdictKind::ConfigInvalid);
        assert!(ran.cause().contains(text), "{}", ran.cause());
    }
}

/// A tar of what a shell script makes, as GNU's own program writes it.
fn packed_by_tar(format: &str, script: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let mut make = Command::new("sh");
    make.args(["-ec", script]).current_dir(dir.path());
    run(&mut make, "coreutils").unwrap();
    let mut pack = Command::new("tar");
    pack.args(["--format", format, "--sparse", "--numeric-owner", "-c", "."]);
    run(pack.current_dir(dir.path()), "tar").unwrap().stdout
}

#[tokio::test]
async fn everything_that_a_file_can_be_arrives() {
    let long = "n".repeat(120);
    let script = format!(
        "echo content > plain; ln plain second; ln -s plain link
        chown 1234:5678 plain; chmod 4750 plain
        mknod disk b 254 0; mkfifo pipe
        mkdir -p {long}/{long}; echo far > {long}/{long}/{long}
        mkdir closed; echo x > closed/file; chmod 0444 closed/file; chmod 0555 closed"
    );
    let check = format!(
        "stat -c '%n %a %u:%g %h' /plain; cat /link /second /{long}/{long}/{long}
        test -p /pipe && test -b /disk && ! cat /disk 2>/dev/null && echo no disk
        stat -c '%a' /closed /closed/file; rm -r /closed && echo removed"
    );
    let expected = "/plain 4750 1234:5678 2\ncontent\ncontent\nfar\nno disk\n555\n444\nremoved\n";
    for format in ["gnu", "pax"] {
        let image = base().layer(&packed_by_tar(format, &script));
        assert_eq!(output(&image, &check).await, expected, "{format}");
    }
}

#[tokio::test]
async fn files_with_holes_are_read_or_refused() {
    let script = "truncate -s 1M holes; echo end >> holes";
    let image = base().layer(&packed_by_tar("gnu", script));
    let check = "wc -c < /holes; tail -c 4 /holes";
    assert_eq!(output(&image, check).await, "1048580\nend\n");
    let image = base().layer(&packed_by_tar("pax", script));
    let ran = run_image(image.reference(), ":").await;
    assert!(
        ran.cause().contains("sparse files are read"),
        "{}",
        ran.cause()
    );
}

#[tokio::test]
async fn of_entries_of_one_name_the_last_counts() {
    let image = base().layer(&layer(&[
        (EntryType::Regular, "a", "first"),
        (EntryType::Directory, "b", ""),
        (EntryType::Regular, "b/x", "x"),
        (EntryType::Regular, "a", "second"),
        (EntryType::Regular, "b", "a file now"),
        (EntryType::Symlink, "c", "/a"),
    ]));
    assert_eq!(
        output(&image, "cat /a /b /c").await,
        "seconda file nowsecond"
    );
}

#[tokio::test]
async fn a_file_linked_to_another_layer_is_refused_and_one_changed_in_another_is_not() {
    let linked = |target| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::Link);
        header.set_size(0);
        tar.append_link(&mut header, "second", target).unwrap();
        tar.into_inner().unwrap()
    };
    let image = base().layer(&file("first", "1")).layer(&linked("first"));
    let ran = run_image(image.reference(), ":").await;
    let text = "`second` is refused: it is a hard link to a file that the layer does not hold";
    assert!(ran.cause().contains(text), "{}", ran.cause());
    let pair = packed_by_tar("gnu", "echo 1 > first; ln first second");
    let image = base().layer(&pair).layer(&file("first", "2\n"));
    assert_eq!(output(&image, "cat /first /second").await, "2\n1\n");
}

#[tokio::test]
async fn a_container_finds_its_limits_and_can_not_lift_them() {
    let change = |spec: &mut JobSpec| spec.memory_limit = Some(64 << 20);
    let script = "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2>/dev/null
        for file in */* *; do (echo 1 > $file) 2>/dev/null && echo wrote $file; done
        find . -name devices.allow; ls .. > /dev/null && echo done";
    let ran = run_in(&Oci::new(), change, script).await;
    assert_eq!(ran.text, "67108864\ndone\n");
}
