//! What is checked in a distribution before a byte of it leaves: a release that one repository refuses after
//! three have taken it can't be called back.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    DistributionName, Metadata, SdistName, Version, WheelName, machines_of_tags, normalize_name,
    parse_record,
    wheel::{wheel_tags, written_tags},
};
use crate::elf;

/// A file within an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path.
    pub path: String,
    /// Its uncompressed length in bytes.
    pub size: u64,
    /// SHA-256 of its content in unpadded URL-safe base64, as `RECORD` writes it.
    pub sha256: String,
    /// `e_machine`, if it is an ELF file.
    pub machine: Option<u16>,
}

/// What was read of a wheel.
#[derive(Clone, Debug)]
pub struct WheelContents<'a> {
    /// Its name, read.
    pub name: &'a WheelName,
    /// Every file in it.
    pub members: &'a [Member],
    /// Directory ending in `.dist-info`, without slash; all there are.
    pub dist_infos: &'a [String],
    /// Text of `METADATA`, if there is one.
    pub metadata: Option<&'a str>,
    /// Text of `WHEEL`, if there is one.
    pub wheel: Option<&'a str>,
    /// Text of `RECORD`, if there is one.
    pub record: Option<&'a str>,
}

/// What was read of an sdist.
#[derive(Clone, Debug)]
pub struct SdistContents<'a> {
    /// Its name, read.
    pub name: &'a SdistName,
    /// First components of all paths.
    pub top: &'a BTreeSet<String>,
    /// Text of `PKG-INFO` in the top directory, if there is one.
    pub pkg_info: Option<&'a str>,
}

/// Everything wrong with a wheel, a line each.
pub fn check_wheel(wheel: &WheelContents<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    check_dist_info(wheel, &mut problems);
    match wheel.metadata {
        Some(text) => {
            let name = DistributionName::Wheel(wheel.name.clone());
            check_metadata(&name, &Metadata::parse(text), "METADATA", &mut problems);
        }
        None => problems.push("METADATA is missing".into()),
    }
    match wheel.wheel {
        Some(text) => check_tags(wheel.name, text, &mut problems),
        None => problems.push("WHEEL is missing".into()),
    }
    match wheel.record {
        Some(text) => check_record(wheel.members, text, &mut problems),
        None => problems.push("RECORD is missing".into()),
    }
    check_machines(wheel, &mut problems);
    problems
}

/// Everything wrong with an sdist, a line each.
pub fn check_sdist(sdist: &SdistContents<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    if sdist.top.len() != 1 {
        let names: Vec<&str> = sdist.top.iter().take(5).map(String::as_str).collect();
        problems.push(format!(
            "it must hold one top directory, but holds {}",
            names.join(", ")
        ));
    }
    match sdist.pkg_info {
        Some(text) => {
            let name = DistributionName::Sdist(sdist.name.clone());
            check_metadata(&name, &Metadata::parse(text), "PKG-INFO", &mut problems);
        }
        None => problems.push("PKG-INFO is missing in the top directory".into()),
    }
    problems
}

fn check_dist_info(wheel: &WheelContents<'_>, problems: &mut Vec<String>) {
    let [only] = wheel.dist_infos else {
        problems.push(format!(
            "it must hold one .dist-info directory, but holds {}",
            wheel.dist_infos.len()
        ));
        return;
    };
    let stem = only.strip_suffix(".dist-info").unwrap_or(only);
    let fits = stem.rsplit_once('-').is_some_and(|(name, version)| {
        normalize_name(name) == normalize_name(&wheel.name.name)
            && version
                .parse::<Version>()
                .is_ok_and(|version| version == wheel.name.version)
    });
    if !fits {
        problems.push(format!("{only} does not fit the file's name"));
    }
}

fn check_metadata(
    name: &DistributionName,
    metadata: &Metadata,
    file: &str,
    problems: &mut Vec<String>,
) {
    let known = ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"];
    match metadata.get("Metadata-Version") {
        Some(version) if known.contains(&version) => {}
        Some(version) => problems.push(format!("{file}: unknown Metadata-Version {version}")),
        None => problems.push(format!("{file}: Metadata-Version is missing")),
    }
    match metadata.get("Name") {
        Some(found) if normalize_name(found) == normalize_name(name.name()) => {}
        Some(found) => problems.push(format!(
            "{file} is of the project {found}, the name of {}",
            name.name()
        )),
        None => problems.push(format!("{file}: Name is missing")),
    }
    match metadata.get("Version").map(str::parse::<Version>) {
        Some(Ok(found)) if found == *name.version() => {}
        Some(Ok(found)) => problems.push(format!(
            "{file} is of version {found}, the name of {}",
            name.version()
        )),
        Some(Err(error)) => problems.push(format!("{file}: {error}")),
        None => problems.push(format!("{file}: Version is missing")),
    }
}

fn check_tags(name: &WheelName, wheel: &str, problems: &mut Vec<String>) {
    let (written, wanted) = (written_tags(wheel), wheel_tags(name));
    if written != wanted {
        problems.push(format!(
            "WHEEL has the tags {}, the name says {}",
            if written.is_empty() {
                "(none)".into()
            } else {
                written.join(", ")
            },
            wanted.join(", ")
        ));
    }
}

/// Every file stands in `RECORD` with its hash and size, except signatures and `RECORD` itself.
fn check_record(members: &[Member], text: &str, problems: &mut Vec<String>) {
    let entries = parse_record(text);
    let mut listed: BTreeMap<&str, (&str, &str)> = entries
        .iter()
        .map(|entry| {
            (
                entry.path.as_str(),
                (entry.hash.as_str(), entry.size.as_str()),
            )
        })
        .collect();
    for member in members {
        let Some((hash, size)) = listed.remove(member.path.as_str()) else {
            if !unlisted(&member.path) {
                problems.push(format!("{} is not in RECORD", member.path));
            }
            continue;
        };
        if hash.is_empty() && unlisted(&member.path) {
            continue;
        }
        let wrong_hash = hash
            .strip_prefix("sha256=")
            .is_some_and(|hash| hash.trim_end_matches('=') != member.sha256);
        if hash.is_empty() || wrong_hash {
            problems.push(format!("{} has another hash than RECORD says", member.path));
        } else if !size.is_empty() && size.parse() != Ok(member.size) {
            problems.push(format!("{} has another size than RECORD says", member.path));
        }
    }
    for path in listed.keys().filter(|path| !path.ends_with('/')) {
        problems.push(format!("{path} stands in RECORD but is not there"));
    }
}

fn unlisted(path: &str) -> bool {
    [
        ".dist-info/RECORD",
        ".dist-info/RECORD.jws",
        ".dist-info/RECORD.p7s",
    ]
    .iter()
    .any(|end| path.ends_with(end))
}

/// Native code must be for the machine that the platform tag promises, and there must be none without such a promise.
fn check_machines(wheel: &WheelContents<'_>, problems: &mut Vec<String>) {
    let tags = &wheel.name.platform;
    let promised = machines_of_tags(tags);
    let any = tags == "any";
    let native = wheel
        .members
        .iter()
        .filter_map(|member| Some((member, member.machine?)));
    for (member, machine) in native {
        let name = elf::machine_name(machine);
        if any {
            problems.push(format!(
                "{} is native code ({name}) in a wheel for any platform",
                member.path
            ));
        } else if !promised.is_empty() && !promised.contains(&machine) {
            problems.push(format!(
                "{} is for {name}, the wheel for {tags}",
                member.path
            ));
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
