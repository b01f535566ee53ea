//! Brings a child manifest and its blobs into a repository.

use aqueduct_core::image::{Descriptor, ImageManifest, Manifest, Target};
use aqueduct_registry::Repository;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{IndexError, spool::Spool};

/// Blobs moved at once for one child.
const PARALLEL: usize = 4;

/// Makes sure that `child` lies in `to`: its blobs first, mounted where the registry can, else copied, then the manifest
/// in its own bytes.
pub(super) async fn place(
    from: &dyn Repository,
    to: &dyn Repository,
    child: &Descriptor,
    spool: &Spool,
) -> Result<(), IndexError> {
    let target = Target::Digest(child.digest.clone());
    let there = to.head_manifest(&target).await.map_err(IndexError::Push)?;
    if there.is_some() {
        return Ok(());
    }
    let manifest = from.manifest(&target).await.map_err(IndexError::Pull)?;
    let name = from.reference().with_target(&target).to_string();
    let Manifest::Image(image) = manifest.parse(&name).map_err(IndexError::Pull)? else {
        return Err(IndexError::Source {
            origin: name,
            cause: "an index within an index is left over".into(),
        });
    };
    let moves: Vec<_> = blobs(&image)
        .into_iter()
        .map(|blob| move_blob(from, to, blob, spool))
        .collect();
    stream::iter(moves)
        .buffer_unordered(PARALLEL)
        .try_collect::<Vec<()>>()
        .await?;
    to.put_manifest(&target, &manifest)
        .await
        .map_err(IndexError::Push)
}

/// Configuration and layers; not what only other places may distribute, which registries don't ask for.
fn blobs(image: &ImageManifest) -> Vec<&Descriptor> {
    let own = |layer: &&Descriptor| layer.urls.is_empty();
    let mut blobs: Vec<&Descriptor> = image.layers.iter().filter(own).collect();
    blobs.push(&image.config);
    blobs
}

async fn move_blob(
    from: &dyn Repository,
    to: &dyn Repository,
    blob: &Descriptor,
    spool: &Spool,
) -> Result<(), IndexError> {
    if to
        .mount(blob, from.reference())
        .await
        .map_err(IndexError::Push)?
    {
        return Ok(());
    }
    if to.has_blob(&blob.digest).await.map_err(IndexError::Push)? {
        return Ok(());
    }
    let source = spool.get(from, blob).await.map_err(IndexError::Pull)?;
    to.put_blob(blob, &source).await.map_err(IndexError::Push)
}
