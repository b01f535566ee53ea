//! From sources to index entries: tags become digests, indexes are flattened, platforms are found.

use std::collections::HashMap;

use aqueduct_core::image::{
    Descriptor, Digest, EntryPlatform, ImageIndex, IndexEntry, Manifest, Reference, Reported,
    Target, media,
};
use aqueduct_ports::release::ReleaseLog;
use aqueduct_registry::{Access, Client, RawManifest, RegistryError, Repository, pull};

use super::{ImageOrigin, IndexError, IndexOptions, patience::once_there};

/// Indexes within indexes that are followed.
const DEPTH: usize = 4;

/// The entries found, and where each child can be read.
#[derive(Default)]
pub(super) struct Gathered {
    entries: Vec<IndexEntry>,
    places: Places,
}

/// The repository that each child was found in, by digest.
pub(super) type Places = HashMap<Digest, Reference>;

impl Gathered {
    pub(super) fn into_parts(self) -> (Vec<IndexEntry>, Places) {
        (self.entries, self.places)
    }

    fn add(&mut self, entry: IndexEntry, place: &Reference) {
        for child in entry.attachments.iter().chain([&entry.image]) {
            self.places.insert(child.digest.clone(), place.clone());
        }
        self.entries.push(entry);
    }
}

/// Resolves every source of `options`.
pub(super) async fn gather(
    client: &Client,
    options: &IndexOptions,
    log: &dyn ReleaseLog,
) -> Result<Gathered, IndexError> {
    let mut gathered = Gathered::default();
    for source in &options.sources {
        match source {
            ImageOrigin::Reference(reference) => {
                let origin = reference.to_string();
                from_reference(client, reference, &origin, &mut gathered, log).await?;
            }
            ImageOrigin::Layout { name, place } => {
                let reference = Reference::Layout(place.clone());
                from_reference(client, &reference, name, &mut gathered, log).await?;
            }
            ImageOrigin::DigestFile { name, text } => {
                let first = options.images.first();
                from_report(client, (name, text), first, &mut gathered, log).await?;
            }
        }
    }
    Ok(gathered)
}

/// A digest file. A descriptor with a platform is taken at its word once the registry has confirmed that such a
/// manifest is there; anything else is looked into.
async fn from_report(
    client: &Client,
    (name, text): (&str, &str),
    default_place: Option<&Reference>,
    gathered: &mut Gathered,
    log: &dyn ReleaseLog,
) -> Result<(), IndexError> {
    let bad = |cause: String| IndexError::Source {
        origin: name.to_owned(),
        cause,
    };
    let report = Reported::parse(text).map_err(|error| bad(error.to_string()))?;
    let place = report
        .reference
        .as_ref()
        .or(default_place)
        .ok_or_else(|| bad("it names no repository".into()))?;
    let target = Target::Digest(report.digest.clone());
    let reference = place.with_target(&target);
    let trusted = report
        .descriptor
        .filter(|found| found.platform.is_some() && media::is_image(&found.media_type));
    let Some(image) = trusted else {
        return from_reference(client, &reference, name, gathered, log).await;
    };
    let repository = client.open(&reference, Access::Pull);
    let missing = || RegistryError::NotFound {
        what: reference.to_string(),
        message: String::new(),
    };
    let there = once_there(async || repository.head_manifest(&target).await?.ok_or_else(missing));
    let there = match there.await {
        Err(RegistryError::NotFound { .. }) => None,
        other => Some(other.map_err(IndexError::Pull)?),
    };
    let same = |there: Descriptor| {
        (there.size, there.media_type) == (image.size, image.media_type.clone())
    };
    if !there.is_some_and(same) {
        return Err(bad(format!(
            "{reference} does not exist, or is not what the descriptor says"
        )));
    }
    log.line(&format!("{name}: {}", describe(&image)));
    let entry = IndexEntry {
        image,
        attachments: Vec::new(),
        origin: name.to_owned(),
    };
    gathered.add(entry, &reference);
    Ok(())
}

async fn from_reference(
    client: &Client,
    reference: &Reference,
    origin: &str,
    gathered: &mut Gathered,
    log: &dyn ReleaseLog,
) -> Result<(), IndexError> {
    let repository = client.open(reference, Access::Pull);
    let target = reference.target();
    let manifest = match (&target, reference) {
        (Target::Digest(_), Reference::Registry(_)) => {
            once_there(|| repository.manifest(&target)).await
        }
        _ => repository.manifest(&target).await,
    };
    let manifest = manifest.map_err(IndexError::Pull)?;
    let at = reference.with_target(&Target::Digest(manifest.digest.clone()));
    for entry in flatten(&*repository, origin, manifest).await? {
        log.line(&format!("{origin}: {}", describe(&entry.image)));
        gathered.add(entry, &at);
    }
    Ok(())
}

fn describe(image: &Descriptor) -> String {
    let platform = image.platform.as_ref().map(EntryPlatform::platform);
    let platform = platform.map_or_else(String::new, |platform| format!("{platform} "));
    format!("{platform}{}", image.digest)
}

/// The images behind a manifest, each with its platform and attestations.
async fn flatten(
    repository: &dyn Repository,
    origin: &str,
    manifest: RawManifest,
) -> Result<Vec<IndexEntry>, IndexError> {
    let mut out = Vec::new();
    let mut pending = vec![(manifest.descriptor(), Some(manifest), 0)];
    let mut attachments: Vec<Descriptor> = Vec::new();
    while let Some((descriptor, fetched, depth)) = pending.pop() {
        let known_image = media::is_image(&descriptor.media_type) && descriptor.platform.is_some();
        if known_image {
            out.push(entry(descriptor, origin));
            continue;
        }
        let manifest = match fetched {
            Some(manifest) => manifest,
            None => fetch(repository, &descriptor).await?,
        };
        match manifest.parse(origin).map_err(IndexError::Pull)? {
            Manifest::Image(image) => {
                let described =
                    with_platform(repository, origin, descriptor, &image.config).await?;
                out.push(entry(described, origin));
            }
            Manifest::Index(_) if depth == DEPTH => {
                return Err(IndexError::Source {
                    origin: origin.to_owned(),
                    cause: format!("indexes are nested more than {DEPTH} deep"),
                });
            }
            Manifest::Index(index) => open(index, depth, &mut pending, &mut attachments),
        }
    }
    attach(&mut out, attachments);
    Ok(out)
}

fn entry(image: Descriptor, origin: &str) -> IndexEntry {
    IndexEntry {
        image,
        attachments: Vec::new(),
        origin: origin.to_owned(),
    }
}

type Pending = Vec<(Descriptor, Option<RawManifest>, usize)>;

fn open(index: ImageIndex, depth: usize, pending: &mut Pending, attachments: &mut Vec<Descriptor>) {
    for child in index.manifests.into_iter().rev() {
        if child.is_attachment() {
            attachments.push(child);
        } else {
            pending.push((child, None, depth + 1));
        }
    }
}

/// Each attachment goes with the image it names, what names none with the first.
fn attach(entries: &mut [IndexEntry], attachments: Vec<Descriptor>) {
    for attachment in attachments.into_iter().rev() {
        let owner = entries
            .iter()
            .position(|entry| attachment.attests() == Some(entry.image.digest.as_str()));
        if let Some(entry) = entries.get_mut(owner.unwrap_or(0)) {
            entry.attachments.push(attachment);
        }
    }
}

async fn fetch(
    repository: &dyn Repository,
    descriptor: &Descriptor,
) -> Result<RawManifest, IndexError> {
    let target = Target::Digest(descriptor.digest.clone());
    repository.manifest(&target).await.map_err(IndexError::Pull)
}

/// The configuration says which platform an image is for.
async fn with_platform(
    repository: &dyn Repository,
    origin: &str,
    mut descriptor: Descriptor,
    config: &Descriptor,
) -> Result<Descriptor, IndexError> {
    let bad = |cause: String| IndexError::Source {
        origin: origin.to_owned(),
        cause,
    };
    let read = pull::read_config(repository, origin, config).await;
    let (config, _) = match read {
        Ok(read) => read,
        Err(RegistryError::Protocol { cause, .. }) => return Err(bad(cause)),
        Err(error) => return Err(IndexError::Pull(error)),
    };
    if config.architecture.is_empty() || config.os.is_empty() {
        return Err(bad("its configuration names no platform".into()));
    }
    let mut platform = EntryPlatform::from(&config.platform());
    platform.os_version = config.os_version;
    descriptor.platform = Some(platform);
    Ok(descriptor)
}
