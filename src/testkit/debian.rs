//! Debian packages of any architecture, without touching the machine's own package database.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aqueduct_core::platform::Arch;

use crate::{
    cache,
    command::{At, Error, Result, run},
};

/// The release that base images are made from.
pub const SUITE: &str = "bookworm";

/// Where packages come from; `AQUEDUCT_DEBIAN_MIRROR` names another mirror.
pub fn mirror() -> String {
    std::env::var("AQUEDUCT_DEBIAN_MIRROR")
        .unwrap_or_else(|_| "http://deb.debian.org/debian".into())
}

/// The files of `package` for `arch`, unpacked into a directory of the cache.
pub fn unpacked(package: &str, arch: Arch) -> Result<PathBuf> {
    cache::once(&format!("{package}-{SUITE}-{arch}"), |dir| {
        let work = tempfile::tempdir().at(&std::env::temp_dir())?;
        let archive = download(package, arch, work.path())?;
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(archive).arg(dir);
        run(&mut unpack, "dpkg").map(drop)
    })
}

/// Fetches one `.deb` with an apt whose state, cache and sources all lie in `work`.
fn download(package: &str, arch: Arch, work: &Path) -> Result<PathBuf> {
    let sources = format!(
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {} {SUITE} main\n",
        mirror()
    );
    let list = work.join("sources.list");
    fs::write(&list, sources).at(&list)?;
    for dir in ["lists/partial", "cache/archives/partial", "parts"] {
        let dir = work.join(dir);
        fs::create_dir_all(&dir).at(&dir)?;
    }
    let status = work.join("status");
    fs::write(&status, "").at(&status)?;
    for action in [&["update", "-qq"][..], &["download", "-qq", package]] {
        let mut apt = Command::new("apt-get");
        apt.current_dir(work).args(action);
        for (option, path) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::Etc::sourceparts", "parts"),
            ("Dir::State::lists", "lists"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "cache"),
        ] {
            let path = work.join(path);
            apt.arg("-o").arg(format!("{option}={}", path.display()));
        }
        apt.arg("-o").arg(format!("APT::Architecture={arch}"));
        apt.arg("-o").arg(format!("APT::Architectures={arch}"));
        apt.args(["-o", "APT::Sandbox::User=root"]);
        run(&mut apt, "apt")?;
    }
    let entries = fs::read_dir(work).at(work)?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .ok_or_else(|| Error::NotReady {
            peer: format!("{package}:{arch}"),
            log: "apt-get downloaded no package".into(),
        })
}
