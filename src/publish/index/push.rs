//! Pushes an assembled index: children, index by digest, verification, and only then the tags.

use aqueduct_core::image::{Assembled, Reference, Target};
use aqueduct_ports::release::ReleaseLog;
use aqueduct_registry::{Access, Client, RawManifest, RegistryError, Repository};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    IndexError, IndexOptions, PushedReference, copy, gather::Places, patience::once_there,
    spool::Spool,
};

/// Repositories written at once.
const PARALLEL: usize = 4;

/// A repository to push to, and the tags it gets.
struct Place {
    reference: Reference,
    repository: Box<dyn Repository>,
    tags: Vec<String>,
    late_tags: Vec<String>,
}

/// Pushes `index` everywhere. No tag moves before every repository holds the whole index, verified.
pub(super) async fn push(
    client: &Client,
    options: &IndexOptions,
    index: &Assembled,
    origins: &Places,
    log: &dyn ReleaseLog,
) -> Result<Vec<PushedReference>, IndexError> {
    let places = places(client, options);
    let manifest = RawManifest::new(index.media_type, index.bytes.clone());
    let spool = Spool::new().map_err(IndexError::Push)?;
    let fills: Vec<_> = places
        .iter()
        .map(|place| fill(client, place, index, &manifest, origins, &spool))
        .collect();
    stream::iter(fills)
        .buffer_unordered(PARALLEL)
        .try_collect::<Vec<()>>()
        .await?;
    let mut pushed = Vec::new();
    for tags in [
        |place: &Place| place.tags.clone(),
        |place: &Place| place.late_tags.clone(),
    ] {
        for place in &places {
            for tag in tags(place) {
                let moved = move_tag(place, &tag, &manifest).await?;
                log.line(&told(&moved, &manifest));
                pushed.push(moved);
            }
        }
    }
    Ok(pushed)
}

fn told(moved: &PushedReference, manifest: &RawManifest) -> String {
    let reference = &moved.reference;
    match &moved.previous {
        Some(previous) if *previous == manifest.digest => format!("unchanged: {reference}"),
        Some(previous) => format!("moved: {reference} (was {previous})"),
        None => format!("pushed: {reference}"),
    }
}

/// References grouped by repository.
fn places(client: &Client, options: &IndexOptions) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let images = options
        .images
        .iter()
        .map(|image| (image, &options.tags[..]));
    let copies = options.copies.iter().map(|copy| (copy, &options.tags[..]));
    for (reference, late) in images.chain(copies) {
        let known = places
            .iter_mut()
            .find(|place| place.reference.same_place(reference));
        let tag = reference.target().to_string();
        match known {
            Some(place) => place.tags.push(tag),
            None => places.push(Place {
                reference: reference.clone(),
                repository: client.open(reference, Access::Push),
                tags: vec![tag],
                late_tags: late.to_vec(),
            }),
        }
    }
    for place in &mut places {
        dedup(&mut place.tags);
        let early = place.tags.clone();
        place.late_tags.retain(|tag| !early.contains(tag));
        dedup(&mut place.late_tags);
    }
    places
}

fn dedup(tags: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
}

/// Brings children and index into a repository and reads the index back.
async fn fill(
    client: &Client,
    place: &Place,
    index: &Assembled,
    manifest: &RawManifest,
    origins: &Places,
    spool: &Spool,
) -> Result<(), IndexError> {
    let to = &*place.repository;
    for child in &index.entries {
        // What was found in this very repository need not be looked for again.
        let Some(origin) = origins
            .get(&child.digest)
            .filter(|origin| !origin.same_place(&place.reference))
        else {
            continue;
        };
        let from = client.open(origin, Access::Pull);
        copy::place(&*from, to, child, spool).await?;
    }
    let target = Target::Digest(manifest.digest.clone());
    once_there(|| to.put_manifest(&target, manifest))
        .await
        .map_err(IndexError::Push)?;
    // Asked for by digest, other bytes would be an error.
    once_there(|| to.manifest(&target))
        .await
        .map_err(IndexError::Push)?;
    Ok(())
}

/// Moves one tag and reads it back. A registry whose tags can't be moved refuses even the same digest again: what the tag
/// names decides, not the answer.
async fn move_tag(
    place: &Place,
    tag: &str,
    manifest: &RawManifest,
) -> Result<PushedReference, IndexError> {
    let target = Target::Tag(tag.to_owned());
    let reference = place.reference.with_target(&target).to_string();
    let named = || async {
        let found = place.repository.head_manifest(&target).await;
        found.map(|found| found.map(|found| found.digest))
    };
    let previous = named().await.map_err(IndexError::Push)?;
    if previous.as_ref() != Some(&manifest.digest) {
        let put = place.repository.put_manifest(&target, manifest).await;
        let refused = match put {
            Ok(()) => None,
            Err(error @ RegistryError::Refused { .. }) => Some(error),
            Err(error) => return Err(IndexError::Push(error)),
        };
        let now = named().await.map_err(IndexError::Push)?;
        if now.as_ref() != Some(&manifest.digest) {
            return Err(refused.map_or_else(
                || IndexError::Unverified {
                    reference: reference.clone(),
                    expected: manifest.digest.to_string(),
                    actual: now.map_or_else(|| "nothing".into(), |digest| digest.to_string()),
                },
                IndexError::Push,
            ));
        }
    }
    Ok(PushedReference {
        reference,
        previous,
    })
}
