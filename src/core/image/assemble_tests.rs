//! The platform set, the order of entries and the bytes of an assembled index.

use proptest::prelude::*;

use super::*;
use crate::image::EntryPlatform;

fn platform(text: &str) -> Platform {
    Platform::parse(text).unwrap()
}

fn entry(name: &str, media_type: &str) -> IndexEntry {
    let mut image = Descriptor::of(media_type, name.as_bytes());
    image.platform = Some(EntryPlatform::from(&platform(name)));
    IndexEntry {
        image,
        attachments: Vec::new(),
        origin: format!("app:{name}"),
    }
}

fn attestation(of: &str) -> Descriptor {
    let mut entry = Descriptor::of(media::MANIFEST, format!("attests {of}").as_bytes());
    entry.platform = Some(EntryPlatform::from(&platform("unknown/unknown")));
    entry.annotations.insert(
        "vnd.docker.reference.type".into(),
        "attestation-manifest".into(),
    );
    entry.annotations.insert(
        "vnd.docker.reference.digest".into(),
        Digest::of(of.as_bytes()).to_string(),
    );
    entry
}

fn plain(entries: Vec<IndexEntry>, wanted: &[&str]) -> Result<Assembled, IndexProblems> {
    let wanted: Vec<Platform> = wanted.iter().map(|text| platform(text)).collect();
    assemble(entries, &wanted, &BTreeMap::new())
}

#[test]
fn bytes_are_pinned() {
    let mut arm = entry("linux/arm64", media::MANIFEST);
    arm.attachments.push(attestation("linux/arm64"));
    let entries = vec![arm, entry("linux/amd64", media::MANIFEST)];
    let annotations = BTreeMap::from([("org.opencontainers.image.version".into(), "1".into())]);
    let index = assemble(entries, &[], &annotations).unwrap();
    insta::assert_snapshot!(String::from_utf8(index.bytes).unwrap());
}

#[test]
fn everything_wrong_is_named_at_once() {
    let mut twin = entry("linux/amd64", media::MANIFEST);
    twin.origin = "app:again".into();
    let entries = vec![
        entry("linux/amd64", media::MANIFEST),
        twin,
        entry("linux/s390x", media::MANIFEST),
    ];
    let problems = plain(entries, &["linux/amd64", "linux/arm64", "linux/riscv64"]).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "the index is not what was asked for: missing: linux/arm64, linux/riscv64; \
         doubled: linux/amd64 (from app:linux/amd64 and app:again); \
         unexpected: linux/s390x (from app:linux/s390x)"
    );
    assert!(plain(Vec::new(), &[]).unwrap_err().empty);
}

#[test]
fn a_default_variant_is_the_same_platform() {
    let both = vec![
        entry("linux/arm64", media::MANIFEST),
        entry("linux/arm64/v8", media::MANIFEST),
    ];
    assert_eq!(plain(both, &[]).unwrap_err().doubled.len(), 1);
    assert!(
        plain(
            vec![entry("linux/arm64/v8", media::MANIFEST)],
            &["linux/arm64"]
        )
        .is_ok()
    );
}

#[test]
fn builds_of_windows_are_several_platforms() {
    let builds = ["10.0.17763.1", "10.0.20348.1"].map(|version| {
        let mut build = entry("windows/amd64", media::MANIFEST);
        if let Some(platform) = build.image.platform.as_mut() {
            platform.os_version = Some(version.into());
        }
        build
    });
    assert_eq!(
        plain(builds.to_vec(), &["windows/amd64"])
            .unwrap()
            .entries
            .len(),
        2
    );
}

#[test]
fn only_docker_children_without_annotations_make_a_docker_list() {
    let docker = || vec![entry("linux/amd64", media::DOCKER_MANIFEST)];
    assert_eq!(plain(docker(), &[]).unwrap().media_type, media::DOCKER_LIST);
    let mut mixed = docker();
    mixed.push(entry("linux/arm64", media::MANIFEST));
    assert_eq!(plain(mixed, &[]).unwrap().media_type, media::INDEX);
    let annotations = BTreeMap::from([("a".into(), "b".into())]);
    assert_eq!(
        assemble(docker(), &[], &annotations).unwrap().media_type,
        media::INDEX
    );
}

proptest! {
    #[test]
    fn the_order_of_sources_does_not_matter(
        names in Just(["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"]).prop_shuffle(),
    ) {
        let build = |names: &[&str]| {
            let entries = names.iter().map(|name| entry(name, media::MANIFEST)).collect();
            plain(entries, &[]).unwrap().digest
        };
        let mut sorted = names;
        sorted.sort_unstable();
        prop_assert_eq!(build(&names), build(&sorted));
    }
}
