//! Looks into wheels and sdists without unpacking them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, Read},
    path::{Component, Path},
};

use aqueduct_core::{
    elf,
    package::{
        DistributionName, Member, SdistContents, SdistName, WheelContents, WheelName, check_sdist,
        check_wheel,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

/// Members of an archive; more is no package.
const MOST_MEMBERS: usize = 200_000;
/// Uncompressed bytes looked at in all.
const MOST_BYTES: u64 = 16 * GIB;
const GIB: u64 = 1024 * 1024 * 1024;
/// How many times its own size an archive may unpack to, beyond the first [`GIB`]; code is packed by 3 to 10.
const MOST_PACKED: u64 = 200;
/// Longest metadata file.
const MOST_METADATA: u64 = 16 * 1024 * 1024;

/// Checks a distribution; answers the text of its metadata, or everything wrong with it.
pub(super) fn check(name: &DistributionName, path: &Path) -> Result<String, Vec<String>> {
    match name {
        DistributionName::Wheel(wheel) => check_wheel_file(wheel, path),
        DistributionName::Sdist(sdist) => check_sdist_file(sdist, path),
    }
}

fn check_wheel_file(name: &WheelName, path: &Path) -> Result<String, Vec<String>> {
    let read = read_wheel(path).map_err(|error| vec![format!("not a readable wheel: {error}")])?;
    let only = read.dist_infos.first().cloned().unwrap_or_default();
    let text = |file: &str| {
        read.texts
            .get(&format!("{only}/{file}"))
            .map(String::as_str)
    };
    let metadata = text("METADATA");
    let mut problems = read.problems.clone();
    problems.extend(check_wheel(&WheelContents {
        name,
        members: &read.members,
        dist_infos: &read.dist_infos,
        metadata,
        wheel: text("WHEEL"),
        record: text("RECORD"),
    }));
    match metadata {
        Some(metadata) if problems.is_empty() => Ok(metadata.to_owned()),
        _ => Err(problems),
    }
}

#[derive(Default)]
struct Wheel {
    members: Vec<Member>,
    dist_infos: Vec<String>,
    texts: BTreeMap<String, String>,
    problems: Vec<String>,
}

fn read_wheel(path: &Path) -> io::Result<Wheel> {
    let mut archive =
        zip::ZipArchive::new(BufReader::new(File::open(path)?)).map_err(io::Error::other)?;
    if archive.len() > MOST_MEMBERS {
        return Err(io::Error::other(format!(
            "more than {MOST_MEMBERS} members"
        )));
    }
    let mut wheel = Wheel::default();
    let mut seen = BTreeSet::new();
    let mut left = most_bytes(path)?;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(io::Error::other)?;
        let name = file.name().map_err(io::Error::other)?.into_owned();
        if !plain(&name) {
            wheel
                .problems
                .push(format!("the member `{name}` leads out of the archive"));
        }
        if !seen.insert(name.clone()) {
            wheel
                .problems
                .push(format!("the member `{name}` is there twice"));
        }
        if let Some(dir) = top_dist_info(&name)
            && !wheel.dist_infos.contains(&dir)
        {
            wheel.dist_infos.push(dir);
        }
        if !file.is_dir() {
            let read = read_member(&mut file, name.clone(), &mut left)?;
            if let (Some(text), true) = (read.text, top_dist_info(&name).is_some()) {
                wheel.texts.insert(name, text);
            }
            wheel.members.push(read.member);
        }
    }
    Ok(wheel)
}

/// Uncompressed bytes that the archive may hold.
fn most_bytes(path: &Path) -> io::Result<u64> {
    let packed = path.metadata()?.len();
    Ok(packed.saturating_mul(MOST_PACKED).clamp(GIB, MOST_BYTES))
}

/// A relative path without `..`.
fn plain(name: &str) -> bool {
    let parts = Path::new(name).components();
    !name.contains('\\')
        && !name.is_empty()
        && parts
            .into_iter()
            .all(|part| matches!(part, Component::Normal(_)))
}

fn top_dist_info(name: &str) -> Option<String> {
    let (top, _) = name.split_once('/')?;
    top.ends_with(".dist-info").then(|| top.to_owned())
}

struct ReadMember {
    member: Member,
    /// The content of a small text file.
    text: Option<String>,
}

fn read_member(file: &mut impl Read, path: String, left: &mut u64) -> io::Result<ReadMember> {
    let keep = top_dist_info(&path).is_some();
    let mut hash = Sha256::new();
    let (mut size, mut head, mut kept) = (0_u64, Vec::new(), Vec::new());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        hash.update(chunk);
        size += count as u64;
        *left = left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other("it unpacks to too many bytes"))?;
        if head.len() < 64 {
            head.extend(chunk.iter().take(64));
        }
        if keep && size <= MOST_METADATA {
            kept.extend_from_slice(chunk);
        }
    }
    let text = (keep && size <= MOST_METADATA)
        .then(|| String::from_utf8(kept).ok())
        .flatten();
    Ok(ReadMember {
        member: Member {
            path,
            size,
            sha256: URL_SAFE_NO_PAD.encode(hash.finalize()),
            machine: elf::machine(&head),
        },
        text,
    })
}

fn check_sdist_file(name: &SdistName, path: &Path) -> Result<String, Vec<String>> {
    let (top, pkg_info, mut problems) = read_sdist(path)
        .map_err(|error| vec![format!("not a readable source distribution: {error}")])?;
    problems.extend(check_sdist(&SdistContents {
        name,
        top: &top,
        pkg_info: pkg_info.as_deref(),
    }));
    match pkg_info {
        Some(text) if problems.is_empty() => Ok(text),
        _ => Err(problems),
    }
}

type Sdist = (BTreeSet<String>, Option<String>, Vec<String>);

fn read_sdist(path: &Path) -> io::Result<Sdist> {
    let unpacked = GzDecoder::new(BufReader::new(File::open(path)?)).take(most_bytes(path)?);
    let mut archive = tar::Archive::new(unpacked);
    let (mut top, mut pkg_info, mut problems) = (BTreeSet::new(), None, Vec::new());
    for (index, entry) in archive.entries()?.enumerate() {
        if index > MOST_MEMBERS {
            return Err(io::Error::other(format!(
                "more than {MOST_MEMBERS} members"
            )));
        }
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if !plain(&name) {
            problems.push(format!("the member `{name}` leads out of the archive"));
            continue;
        }
        let mut parts = name.splitn(2, '/');
        top.insert(parts.next().unwrap_or_default().to_owned());
        if parts.next() == Some("PKG-INFO") {
            let mut text = String::new();
            entry
                .by_ref()
                .take(MOST_METADATA)
                .read_to_string(&mut text)?;
            pkg_info = Some(text);
        }
    }
    Ok((top, pkg_info, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_may_hold_what_code_packs_to_and_no_more() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let table = [
            (0, GIB),
            (1 << 20, GIB),
            (16 << 20, 200 * (16 << 20)),
            (GIB, MOST_BYTES),
        ];
        for (packed, most) in table {
            file.as_file().set_len(packed).unwrap();
            assert_eq!(most_bytes(file.path()).unwrap(), most, "{packed} bytes");
        }
    }
}
