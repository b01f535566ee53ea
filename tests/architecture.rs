//! Who may import whom, what nobody may import, and how large a file may be.
//!
//! The edges are those of `src/ARCHITECTURE.md`; a new crate needs a row here.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the workspace must stop"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Crate, and the crates of the workspace its library may depend on.
const EDGES: [(&str, &[&str]); 18] = [
    ("aqueduct", &["cli"]),
    ("core", &[]),
    ("ports", &["core"]),
    ("engine", &["core", "ports"]),
    ("registry", &["core"]),
    ("exec", &["core", "ports", "registry"]),
    ("publish", &["core", "ports", "registry"]),
    ("workspace", &["core", "ports"]),
    ("mirror", &["core", "ports"]),
    ("runner", &["core", "ports"]),
    ("client", &["core", "ports"]),
    ("forge", &["core", "ports"]),
    ("store", &["core", "ports"]),
    ("pages", &["core", "ports", "engine"]),
    ("coordinator", &["core", "ports", "engine", "pages"]),
    (
        "cli",
        &[
            "core",
            "ports",
            "engine",
            "registry",
            "exec",
            "publish",
            "workspace",
            "mirror",
            "store",
            "coordinator",
            "runner",
            "client",
            "forge",
        ],
    ),
    ("testkit", &["core"]),
    ("xtask", &["core", "testkit"]),
];

/// One TLS provider in the process: aws-lc by rustls.
const BANNED: [&str; 5] = ["native-tls", "openssl", "openssl-sys", "ring", "serde_yaml"];

/// Everything the pure crate may name. Nothing here does I/O.
const CORE: [&str; 11] = [
    "foldhash",
    "granit-parser",
    "hex",
    "indexmap",
    "regex",
    "schemars",
    "serde",
    "serde_json",
    "serde_json_canonicalizer",
    "sha2",
    "thiserror",
];

/// Crates that only wiring and adapters may name.
const ENGINE_BANS: [&str; 8] = [
    "reqwest",
    "oci-client",
    "libcontainer",
    "nix",
    "git2",
    "clap",
    "sqlx",
    "object_store",
];

/// What the pure crate's sources may not even name: its lints list single functions, and new ones appear with each Rust.
const CORE_WORDS: [&str; 8] = [
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
];

const MEDIAN_LINES: usize = 150;
/// Nine files in ten are no longer.
const MOST_FILES_LINES: usize = 450;
const MOST_LINES: usize = 900;

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    // What other systems need was never downloaded.
    let filter = [
        "--filter-platform".into(),
        host,
        "--locked".into(),
        "--offline".into(),
    ];
    command.other_options(filter.to_vec()).exec().unwrap()
}

fn short(name: &str) -> &str {
    name.strip_prefix("aqueduct-").unwrap_or(name)
}

fn dependencies(package: &Package, kind: DependencyKind) -> BTreeSet<&str> {
    let of_kind = package.dependencies.iter().filter(|edge| edge.kind == kind);
    of_kind.map(|edge| edge.name.as_str()).collect()
}

#[test]
fn crates_depend_only_on_the_layers_below() {
    let metadata = metadata();
    let allowed: BTreeMap<_, _> = EDGES.into_iter().collect();
    let members: BTreeSet<_> = metadata
        .workspace_packages()
        .iter()
        .map(|package| short(&package.name).to_owned())
        .collect();
    for package in metadata.workspace_packages() {
        let name = short(&package.name);
        let edges = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no row in EDGES"));
        for edge in dependencies(package, DependencyKind::Normal) {
            let target = short(edge);
            if members.contains(target) {
                assert!(
                    edges.contains(&target),
                    "{name} must not depend on {target}"
                );
            }
        }
    }
}

#[test]
fn nobody_brings_a_second_tls_provider() {
    // Metadata also lists what only a weak feature (`ring?/std`) names; the tree is what is built.
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--offline",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let built: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        built.contains("rustls"),
        "the tree is not what this test expects"
    );
    for banned in BANNED {
        assert!(
            !built.contains(banned),
            "{banned} is banned: see `cargo tree -i {banned}`"
        );
    }
}

#[test]
fn the_pure_crates_name_nothing_that_does_io() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let name = short(&package.name);
        let edges = dependencies(package, DependencyKind::Normal);
        if name == "core" {
            let allowed = BTreeSet::from(CORE);
            let more: Vec<_> = edges.difference(&allowed).collect();
            assert!(more.is_empty(), "core must not depend on {more:?}");
        }
        if ["core", "ports", "engine", "runner"].contains(&name) {
            for banned in ENGINE_BANS {
                assert!(
                    !edges.contains(banned),
                    "{name} must not depend on {banned}"
                );
            }
        }
    }
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_crate_depends_on_what_it_never_names() {
    for package in metadata().workspace_packages() {
        let dir = package.manifest_path.parent().unwrap().as_std_path();
        if short(&package.name) == "aqueduct" {
            continue;
        }
        let mut files = Vec::new();
        rust_files(dir, &mut files);
        let texts: Vec<String> = files
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        for dependency in dependencies(package, DependencyKind::Normal) {
            let path = format!("{}::", dependency.replace('-', "_"));
            let named = texts.iter().any(|text| text.contains(&path));
            assert!(named, "{} never names {dependency}", package.name);
        }
    }
}

#[test]
fn the_pure_crate_names_no_file_socket_clock_or_environment() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core");
    let mut files = Vec::new();
    rust_files(&core, &mut files);
    files.retain(|path| !path.starts_with(core.join("tests")));
    assert!(files.len() > 100, "the pure crate went elsewhere");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for word in CORE_WORDS {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
        for group in text.split("use std::{").skip(1) {
            let group = group.split_once("};").map_or(group, |(names, _)| names);
            let mut names = group.split([',', ':', '{', '}']).map(str::trim);
            let found = names.find(|name| CORE_WORDS.contains(&format!("std::{name}").as_str()));
            assert!(found.is_none(), "{} names {found:?}", path.display());
        }
    }
}

#[test]
fn files_stay_small() {
    let mut files = Vec::new();
    for dir in ["src", "tests"] {
        rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir), &mut files);
    }
    let mut sizes: Vec<(usize, PathBuf)> = files
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .collect();
    sizes.sort();
    let (median, longest) = (&sizes[sizes.len() / 2], &sizes[sizes.len() - 1]);
    let ninth = &sizes[sizes.len() * 9 / 10];
    assert!(
        ninth.0 <= MOST_FILES_LINES,
        "a file in ten has more than {} lines",
        ninth.0
    );
    assert!(
        median.0 <= MEDIAN_LINES,
        "the median file has {} lines",
        median.0
    );
    assert!(
        longest.0 <= MOST_LINES,
        "{} has {} lines",
        longest.1.display(),
        longest.0
    );
}
