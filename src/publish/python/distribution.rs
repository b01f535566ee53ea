//! Distributions as they will be sent: copied once, hashed on the way, checked from the copy.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use aqueduct_core::package::{
    DistributionName, Metadata, ReleaseFile, check_release, normalize_name,
};
use blake2::{Blake2b, digest::consts::U32};
use sha2::{Digest as _, Sha256};

use super::{PublishError, archive};
use crate::spool::SpoolDir;

/// A file of a release. Its bytes lie in a private directory: what happens to the original afterwards, every
/// destination gets the same.
#[derive(Clone, Debug)]
pub(super) struct Distribution {
    pub(super) filename: String,
    pub(super) name: DistributionName,
    pub(super) path: PathBuf,
    pub(super) size: u64,
    /// Hexadecimal.
    pub(super) sha256: String,
    /// BLAKE2b with 32 bytes of output, hexadecimal.
    pub(super) blake2: String,
    pub(super) metadata: Metadata,
    /// `METADATA` or `PKG-INFO` as it is.
    pub(super) metadata_text: String,
}

/// The files of one release, in the order in which they are sent: pure wheels after those of a platform, the sdist
/// last, since with an sdist alone installers would start to build.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) project: String,
    pub(super) version: String,
    pub(super) files: Vec<Distribution>,
    _dir: SpoolDir,
}

struct Spooled {
    file: ReleaseFile,
    path: PathBuf,
    size: u64,
    blake2: String,
}

/// Reads, hashes and checks files. Everything wrong with all of them is told at once.
pub(super) fn load(files: &[PathBuf]) -> Result<Release, PublishError> {
    let dir = SpoolDir::new()
        .map_err(|error| PublishError::Machine(format!("no temporary directory: {error}")))?;
    let mut problems = Vec::new();
    let mut spooled = Vec::new();
    for (index, file) in files.iter().enumerate() {
        match name_of(file) {
            Ok(name) => spooled.push(spool(file, name, &dir.path().join(index.to_string()))?),
            Err(problem) => problems.push(problem),
        }
    }
    let release: Vec<ReleaseFile> = spooled.iter().map(|one| one.file.clone()).collect();
    if problems.is_empty() {
        problems.extend(check_release(&release));
    }
    let mut distributions: BTreeMap<String, Distribution> = BTreeMap::new();
    for one in spooled {
        let filename = one.file.filename.clone();
        match inspect(one) {
            Ok(distribution) => {
                distributions.entry(filename).or_insert(distribution);
            }
            Err(found) => {
                problems.extend(found.into_iter().map(|text| format!("{filename}: {text}")));
            }
        }
    }
    if !problems.is_empty() {
        return Err(PublishError::Files(problems));
    }
    let mut files: Vec<Distribution> = distributions.into_values().collect();
    files.sort_by_key(|file| (rank(&file.name), file.filename.clone()));
    let first = files
        .first()
        .ok_or_else(|| PublishError::Files(vec!["there is nothing to publish".into()]))?;
    Ok(Release {
        project: normalize_name(first.name.name()),
        version: first.name.version().to_string(),
        files,
        _dir: dir,
    })
}

fn rank(name: &DistributionName) -> u8 {
    match name {
        DistributionName::Wheel(wheel) if wheel.platform != "any" => 0,
        DistributionName::Wheel(_) => 1,
        DistributionName::Sdist(_) => 2,
    }
}

fn name_of(file: &Path) -> Result<(String, DistributionName), String> {
    let filename = file.file_name().and_then(|name| name.to_str());
    let filename = filename.ok_or_else(|| format!("{}: not a file name", file.display()))?;
    let name = filename.parse();
    name.map(|name| (filename.to_owned(), name))
        .map_err(|error: aqueduct_core::package::FilenameError| error.to_string())
}

/// Copies a file and hashes it on the way.
fn spool(
    source: &Path,
    (filename, name): (String, DistributionName),
    target: &Path,
) -> Result<Spooled, PublishError> {
    let failed = |path: &Path, error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            PublishError::Files(vec![format!("{}: no such file", path.display())])
        }
        _ => PublishError::Machine(format!("{}: {error}", path.display())),
    };
    let mut input = File::open(source).map_err(|error| failed(source, error))?;
    let mut output = File::create_new(target).map_err(|error| failed(target, error))?;
    let (mut sha256, mut blake2) = (Sha256::new(), Blake2b::<U32>::new());
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let count = input
            .read(&mut buffer)
            .map_err(|error| failed(source, error))?;
        let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        sha256.update(chunk);
        blake2.update(chunk);
        output
            .write_all(chunk)
            .map_err(|error| failed(target, error))?;
        size += count as u64;
    }
    Ok(Spooled {
        file: ReleaseFile {
            filename,
            name,
            sha256: hex::encode(sha256.finalize()),
            origin: source.display().to_string(),
        },
        path: target.to_owned(),
        size,
        blake2: hex::encode(blake2.finalize()),
    })
}

fn inspect(spooled: Spooled) -> Result<Distribution, Vec<String>> {
    let metadata_text = archive::check(&spooled.file.name, &spooled.path)?;
    Ok(Distribution {
        metadata: Metadata::parse(&metadata_text),
        metadata_text,
        filename: spooled.file.filename,
        name: spooled.file.name,
        path: spooled.path,
        size: spooled.size,
        sha256: spooled.file.sha256,
        blake2: spooled.blake2,
    })
}

/// SHA-256 of a file, hexadecimal.
pub(super) fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut input = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = input.read(&mut buffer)?;
        match buffer.get(..count).filter(|chunk| !chunk.is_empty()) {
            Some(chunk) => hash.update(chunk),
            None => return Ok(hex::encode(hash.finalize())),
        }
    }
}

/// Reads a file of text that may not be there.
pub(super) fn read_if_there(path: &Path) -> std::io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
