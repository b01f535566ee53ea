//! What the container executor makes of images: platform, layers, user, entrypoint, isolation.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use aqueduct_core::{plan::PullPolicy, platform::Arch, verdict::VerdictKind};
use aqueduct_exec::oci::arch_problem;
use aqueduct_ports::executor::JobSpec;
use aqueduct_testkit::{command::run, images, registry};
use serde_json::json;

use crate::{
    oci::Oci,
    support::images::{busybox_layer, layer, layout_of, run_in, with_image},
};

#[tokio::test]
async fn layers_are_stacked_with_their_whiteouts() {
    let dir = tempfile::tempdir().unwrap();
    let file = tar::EntryType::Regular;
    let name = layout_of(
        dir.path(),
        vec![
            busybox_layer(),
            layer(&[
                (file, "d/one", "1"),
                (file, "d/two", "2"),
                (file, "e/old", "x"),
            ]),
            layer(&[
                (file, "d/.wh.one", ""),
                (file, "e/.wh..wh..opq", ""),
                (file, "e/new", "y"),
            ]),
            layer(&[]),
            layer(&[]),
        ],
        json!({"Env": ["FROM_IMAGE=yes", "BOTH=image"]}),
    );
    let change = |spec: &mut JobSpec| {
        spec.image.as_mut().unwrap().name = name;
        spec.env = vec![("BOTH".into(), "job".into())];
    };
    let script = "ls /d /e; echo $FROM_IMAGE $BOTH $HOME; rm /d/two; echo new > /d/three; ls /d";
    let ran = run_in(&Oci::new(), change, script).await;
    assert_eq!(
        ran.text, "/d:\ntwo\n\n/e:\nnew\nyes job /root\nthree\n",
        "{:?}",
        ran.outcome
    );
}

#[tokio::test]
async fn programs_of_the_other_architecture_run_marked_as_emulated() {
    if let Some(problem) = arch_problem(Arch::Arm64) {
        panic!("{problem}; {}", problem.hint());
    }
    let ran = run_in(
        &Oci::new(),
        |spec| spec.arch = Some(Arch::Arm64),
        "uname -m",
    )
    .await;
    assert_eq!(ran.text, "aarch64\n", "{:?}", ran.outcome);
    let placement = ran.placement.unwrap();
    assert!(placement.emulated);
    assert_eq!(placement.platform.unwrap().to_string(), "linux/arm64");
}

#[tokio::test]
async fn a_container_is_shut_in() {
    let script = "mount -t tmpfs none /tmp 2>&1; unshare -m true 2>&1; hostname x 2>&1
        grep -E 'NoNewPrivs|Seccomp:' /proc/self/status; wc -c < /proc/keys
        (echo 1 > /proc/sys/vm/swappiness) 2>&1; ls /proc/self/fd; cat /proc/1/environ 2>&1
        (mknod /tmp/disk b 254 0 && cat /tmp/disk) > /dev/null 2>&1 || echo no disk; ls /builds; id -u; pwd";
    let subject = Oci::new();
    let ran = run_in(&subject, |_| {}, script).await;
    insta::assert_snapshot!(ran.text);
    // Docker's set; without a device filter (cgroup v2) also without CAP_MKNOD.
    let ran = run_in(&subject, |_| {}, "grep CapBnd /proc/self/status").await;
    let sets = ["CapBnd:\t00000000a80425fb\n", "CapBnd:\t00000000a00425fb\n"];
    assert!(sets.contains(&ran.text.as_str()), "{}", ran.text);
}

#[tokio::test]
async fn a_container_is_named_like_the_machine_whose_network_it_has() {
    let ran = run_in(&Oci::new(), |_| {}, "hostname").await;
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(ran.text, own);
}

#[tokio::test]
async fn users_come_from_the_job_then_from_the_image() {
    let script = "id -u; id -g; touch made; echo $HOME; ls -ln made | awk '{print $3}'; cat /proc/self/status | grep CapEff";
    let ran = run_in(
        &Oci::new(),
        with_image(|image| image.user = Some("nobody".into())),
        script,
    )
    .await;
    assert_eq!(
        ran.text,
        "65534\n65534\n/\n65534\nCapEff:\t0000000000000000\n"
    );
    let ran = run_in(
        &Oci::new(),
        with_image(|image| image.user = Some("nemo".into())),
        script,
    )
    .await;
    let verdict = ran.outcome.verdict.unwrap();
    assert_eq!(verdict.kind, VerdictKind::ConfigInvalid);
    assert!(verdict.cause.contains("no user `nemo`"), "{verdict}");
}

#[tokio::test]
async fn entrypoints_run_the_shell_unless_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let file = tar::EntryType::Regular;
    let entry = "#!/bin/sh\necho entered\nexec \"$@\"\n";
    let name = layout_of(
        dir.path(),
        vec![busybox_layer(), layer(&[(file, "bin/entry", entry)])],
        json!({"Entrypoint": ["entry"]}),
    );
    let table = [
        (None, "entered\nscript\n"),
        (Some(vec![String::new()]), "script\n"),
        (Some(vec!["env".into(), "X=1".into()]), "script1\n"),
    ];
    for (entrypoint, expected) in table {
        let change = with_image(|image| {
            image.name.clone_from(&name);
            image.entrypoint = entrypoint;
        });
        let ran = run_in(&Oci::new(), change, "echo script$X").await;
        assert_eq!(ran.text, expected, "{:?}", ran.outcome);
    }
    let change = with_image(|image| image.entrypoint = Some(vec!["absent".into()]));
    let verdict = run_in(&Oci::new(), change, ":")
        .await
        .outcome
        .verdict
        .unwrap();
    assert_eq!(verdict.kind, VerdictKind::ConfigInvalid);
    assert!(verdict.cause.contains("`absent`"), "{verdict}");
}

#[tokio::test]
async fn an_image_without_a_shell_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let name = layout_of(
        dir.path(),
        vec![layer(&[(tar::EntryType::Regular, "app", "x")])],
        json!({}),
    );
    let ran = run_in(&Oci::new(), with_image(|image| image.name = name), ":").await;
    let verdict = ran.outcome.verdict.unwrap();
    assert_eq!(verdict.kind, VerdictKind::ImageNoShell, "{verdict}");
}

#[tokio::test]
async fn a_hostile_layer_stays_within_the_container() {
    let dir = tempfile::tempdir().unwrap();
    let name = layout_of(
        dir.path(),
        vec![
            busybox_layer(),
            layer(&[
                (tar::EntryType::Symlink, "out", "/tmp"),
                (tar::EntryType::Symlink, "up", "../../../../../../tmp"),
                (tar::EntryType::Regular, "out/aqueduct-evil", "x"),
                (tar::EntryType::Regular, "up/aqueduct-evil-too", "x"),
            ]),
        ],
        json!({}),
    );
    let ran = run_in(
        &Oci::new(),
        with_image(|image| image.name = name),
        "ls /tmp",
    )
    .await;
    assert_eq!(ran.text, "aqueduct-evil\naqueduct-evil-too\n");
    assert!(!Path::new("/tmp/aqueduct-evil").exists());
    assert!(!Path::new("/tmp/aqueduct-evil-too").exists());
}

#[tokio::test]
async fn registries_are_asked_once_and_with_the_login_they_want() {
    let registry = registry::Registry::start().unwrap();
    let name = format!("{}/team/busybox:1", registry.host());
    let source = images::busybox_index().unwrap().reference(images::TAG);
    let mut copy = Command::new("skopeo");
    copy.args([
        "copy",
        "--all",
        "--quiet",
        "--dest-tls-verify=false",
        &source,
    ]);
    run(copy.arg(format!("docker://{name}")), "skopeo").unwrap();

    let subject = Oci::new();
    let named = |policy: PullPolicy| {
        let name = name.clone();
        with_image(move |image| {
            image.name = name;
            image.pull_policy = vec![policy];
        })
    };
    let ran = run_in(&subject, named(PullPolicy::Never), "echo hi").await;
    assert_eq!(
        ran.outcome.verdict.unwrap().kind,
        VerdictKind::ImageNotFound
    );
    let ran = run_in(&subject, named(PullPolicy::IfNotPresent), "echo hi").await;
    assert_eq!(ran.text, "hi\n", "{:?}", ran.outcome);
    assert_eq!(ran.notices.len(), 1, "{:?}", ran.notices);
    assert!(ran.placement.unwrap().image_digest.is_some());
    drop(registry);
    // Gone from the network, but here.
    let ran = run_in(&subject, named(PullPolicy::IfNotPresent), "echo hi").await;
    assert_eq!((ran.text.as_str(), ran.notices.len()), ("hi\n", 0));
    let ran = run_in(&subject, named(PullPolicy::Always), "echo hi").await;
    assert_eq!(ran.outcome.verdict.unwrap().kind, VerdictKind::ImagePull);
    let fallback = |spec: &mut JobSpec| {
        named(PullPolicy::Always)(spec);
        let image = spec.image.as_mut().unwrap();
        image.pull_policy.push(PullPolicy::IfNotPresent);
    };
    assert_eq!(run_in(&subject, fallback, "echo hi").await.text, "hi\n");
}

#[test]
fn an_ordinary_user_hears_why_not_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = dir.path().join("probe");
    fs::copy(env!("CARGO_BIN_EXE_aqueduct-exec-probe"), &program).unwrap();
    let work = dir.path().join("work");
    fs::create_dir(&work).unwrap();
    fs::set_permissions(&work, fs::Permissions::from_mode(0o777)).unwrap();
    let output = Command::new(&program)
        .arg("oci")
        .arg(&work)
        .arg("any/image")
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("runner.unsupported: containers need root"),
        "{text}"
    );
    assert!(text.contains("--executor host"), "{text}");
}

#[tokio::test]
async fn a_registry_that_wants_a_login_says_so() {
    let registry = registry::Options::default()
        .login("ci", "secret")
        .start()
        .unwrap();
    let name = format!("{}/team/busybox:1", registry.host());
    let ran = run_in(&Oci::new(), with_image(|image| image.name = name), ":").await;
    let verdict = ran.outcome.verdict.unwrap();
    assert_eq!(verdict.kind, VerdictKind::ImageAuth, "{verdict}");
}
