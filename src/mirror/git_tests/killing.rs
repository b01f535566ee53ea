//! Writers that are killed at any moment, and mirrors that lost something.

use std::{fs, time::Duration};

use aqueduct_core::id::PipelineId;
use aqueduct_ports::git::Mirrors as _;

use super::{PROJECT, Rig, git};
use crate::{GitMirrors, Options};

/// As a new process would find them.
fn reopened(rig: &Rig) -> GitMirrors {
    GitMirrors::new(&rig.dir.path().join("mirrors"), Options::default()).unwrap()
}

#[tokio::test]
async fn a_mirror_survives_writers_that_are_stopped_at_any_moment() {
    let rig = Rig::new();
    for round in 0..30_u64 {
        let text = format!("{round} {}", "x".repeat(20_000));
        let sha = rig.push("a", &text, "refs/heads/main");
        let mirrors = reopened(&rig);
        let url = rig.url();
        let work = async {
            mirrors.fetch(PROJECT, &url, &sha).await.unwrap();
            mirrors
                .keep(PROJECT, PipelineId(round), &sha)
                .await
                .unwrap();
            mirrors.tidy(PROJECT).await.unwrap();
        };
        let _ = tokio::time::timeout(Duration::from_millis(round * 3), work).await;
        if round % 3 == 0 {
            mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
            mirrors
                .keep(PROJECT, PipelineId(round), &sha)
                .await
                .unwrap();
        }
    }
    let kept = rig.mirrors.kept(PROJECT).await.unwrap();
    for round in (0..30).step_by(3) {
        assert!(kept.contains(&PipelineId(round)), "{kept:?}");
    }
    git(&rig.mirror(), &["fsck", "--connectivity-only"]);
}

#[tokio::test]
async fn what_killed_writers_leave_is_taken_away() {
    let rig = Rig::new();
    let sha = rig.push("a", "one", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    let mirror = rig.mirror();
    let left = [
        "HEAD.lock",
        "config.lock",
        "packed-refs.lock",
        "packed-refs.new",
        "gc.pid.lock",
        "gc.pid",
        "refs/heads/main.lock",
        "refs/heads/empty",
        "objects/pack/tmp_pack_1",
        "objects/pack/tmp_idx_1",
        "objects/pack/pack-1.pack",
        "objects/pack/pack-2.keep",
        "objects/info/commit-graph.lock",
    ];
    for name in left {
        fs::write(mirror.join(name), "").unwrap();
    }
    let places = &rig.mirrors.places;
    for dir in [places.nursery(PROJECT), places.grave(PROJECT)] {
        fs::create_dir_all(dir.join("half")).unwrap();
    }
    let next = rig.push("a", "two", "refs/heads/main");
    reopened(&rig)
        .fetch(PROJECT, &rig.url(), &next)
        .await
        .unwrap();
    for name in left {
        assert!(!mirror.join(name).exists(), "{name}");
    }
    assert!(!places.nursery(PROJECT).exists() && !places.grave(PROJECT).exists());
    git(&mirror, &["fsck"]);
}

#[tokio::test]
async fn a_half_made_mirror_is_made_anew() {
    let rig = Rig::new();
    let sha = rig.push("a", "one", "refs/heads/main");
    let mirror = rig.mirror();
    fs::create_dir_all(mirror.join("objects")).unwrap();
    fs::write(mirror.join("HEAD"), "").unwrap();
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    git(&mirror, &["fsck"]);
}

#[tokio::test]
async fn a_damaged_mirror_is_made_anew_with_what_it_kept() {
    let rig = Rig::new();
    let first = rig.push("a", "one", "refs/heads/main");
    rig.mirrors
        .fetch(PROJECT, &rig.url(), &first)
        .await
        .unwrap();
    rig.mirrors
        .keep(PROJECT, PipelineId(3), &first)
        .await
        .unwrap();
    let object = rig
        .mirror()
        .join("objects")
        .join(&first[..2])
        .join(&first[2..]);
    if object.exists() {
        fs::remove_file(&object).unwrap();
    } else {
        fs::remove_dir_all(rig.mirror().join("objects/pack")).unwrap();
    }
    let next = rig.push("a", "two", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &next).await.unwrap();
    assert_eq!(rig.mirrors.kept(PROJECT).await.unwrap(), [PipelineId(3)]);
    git(&rig.mirror(), &["fsck"]);
}
