//! The image store: unpacked layers by the digest of their content, shared by all processes of a machine.
//!
//! ```text
//! STORE/images/HEX.json      an image by its manifest's digest: configuration, names of its layers; last changed when it
//!                            was last used, and locked by whoever uses it
//! STORE/refs/HEX.json        reference and platform (hashed) to the image they meant last
//! STORE/layers/NAME/         one unpacked layer; appears whole or not at all
//! STORE/layers/.NAME/        one being unpacked by whoever holds STORE/locks/NAME
//! STORE/blobs/NAME.DIGEST    its tar, while that is being fetched, and for a day if the fetch was interrupted
//! STORE/lock                 shared by whoever looks for an image, alone for whoever removes one
//! ```
//!
//! Nothing grows for ever: see [`prune`].

mod error;
mod layer;
mod prune;
mod record;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use aqueduct_core::{
    image::{ContainerConfig, Reference},
    plan::PullPolicy,
    platform::Platform,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_registry::{Access, Client, Repository, pull};
use futures_util::{StreamExt, TryStreamExt};

use self::{
    error::PullError,
    layer::{Layer, fetch_layer, wait_for},
    record::{ImageRecord, Records},
};

/// Layers fetched at the same time: as many as registries like from one client.
const PARALLEL_LAYERS: usize = 4;

/// An image that is here.
#[derive(Clone, Debug)]
pub(super) struct LocalImage {
    /// Digest of its manifest.
    pub(super) digest: String,
    /// The platform it is for.
    pub(super) platform: Platform,
    /// How a container of it starts.
    pub(super) config: ContainerConfig,
    /// Directory names below [`ImageStore::layers_dir`], lowest first.
    pub(super) layers: Vec<String>,
    /// Keeps it from being pruned while the value lives.
    _hold: Arc<File>,
}

/// All images of this machine.
#[derive(Debug)]
pub(super) struct ImageStore {
    root: PathBuf,
    records: Records,
    client: Client,
}

/// What to get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// As the job names it.
    pub(super) name: &'a str,
    /// Parsed, layouts made absolute.
    pub(super) reference: &'a Reference,
    /// For which machine.
    pub(super) platform: &'a Platform,
    /// Tried in order until one succeeds.
    pub(super) policies: &'a [PullPolicy],
}

impl ImageStore {
    /// The store at `root`, made when needed; pulls go through `client`.
    pub(super) fn new(root: PathBuf, client: Client) -> Self {
        Self {
            records: Records::new(&root),
            root,
            client,
        }
    }

    /// Directory of the unpacked layers.
    pub(super) fn layers_dir(&self) -> PathBuf {
        self.root.join("layers")
    }

    /// Sees to it that the image is here. `notice` hears of what takes time.
    pub(super) async fn image(
        &self,
        wanted: Wanted<'_>,
        notice: &(dyn Fn(String) + Sync),
    ) -> Result<LocalImage, Verdict> {
        let record = self.find(wanted, notice).await;
        record.unwrap_or_else(|error| Err(error.verdict(wanted)))
    }

    async fn find(
        &self,
        wanted: Wanted<'_>,
        notice: &(dyn Fn(String) + Sync),
    ) -> Result<Result<LocalImage, Verdict>, PullError> {
        let failed = PullError::store(&self.root);
        // From the look at its layers until it is held, nothing of an image may be removed.
        let _turn = wait_for(self.root.join(prune::LOCK), File::try_lock_shared)
            .await
            .map_err(&failed)?;
        let record = match self.by_policies(wanted, notice).await {
            Ok(record) => record,
            Err(verdict) => return Ok(Err(verdict)),
        };
        let hold = self.records.hold(&record.digest).map_err(&failed)?;
        Ok(Ok(record.into_image(hold)))
    }

    async fn by_policies(
        &self,
        wanted: Wanted<'_>,
        notice: &(dyn Fn(String) + Sync),
    ) -> Result<ImageRecord, Verdict> {
        // A layout is on this machine already: asking it is free, and it may have changed.
        let policies = match (wanted.reference, wanted.policies) {
            (Reference::Layout(_), _) => &[PullPolicy::Always],
            (_, []) => &[PullPolicy::IfNotPresent],
            (_, policies) => policies,
        };
        let mut last = None;
        for policy in policies {
            match self.by_policy(*policy, wanted, notice).await {
                Ok(image) => return Ok(image),
                Err(verdict) => last = Some(verdict),
            }
        }
        Err(last.unwrap_or_else(|| absent(wanted)))
    }

    async fn by_policy(
        &self,
        policy: PullPolicy,
        wanted: Wanted<'_>,
        notice: &(dyn Fn(String) + Sync),
    ) -> Result<ImageRecord, Verdict> {
        let here = match policy {
            PullPolicy::Always => None,
            PullPolicy::IfNotPresent | PullPolicy::Never => self.here(wanted),
        };
        match here {
            Some(image) => Ok(image),
            None if policy == PullPolicy::Never => Err(absent(wanted)),
            None => self
                .pull(wanted, notice)
                .await
                .map_err(|error| error.verdict(wanted)),
        }
    }

    /// The image as it was pulled last, if every layer of it is still there.
    fn here(&self, wanted: Wanted<'_>) -> Option<ImageRecord> {
        let record = self.records.find(wanted.reference, wanted.platform)?;
        let layers = self.layers_dir();
        record
            .layers
            .iter()
            .all(|name| layers.join(name).is_dir())
            .then_some(record)
    }

    async fn pull(
        &self,
        wanted: Wanted<'_>,
        notice: &(dyn Fn(String) + Sync),
    ) -> Result<ImageRecord, PullError> {
        let repository = self.client.open(wanted.reference, Access::Pull);
        let target = wanted.reference.target();
        let resolved = pull::resolve(&*repository, &target, wanted.platform).await?;
        let layers = Layer::all(&resolved)?;
        self.announce(wanted, &layers, notice);
        self.fetch(&*repository, &layers).await?;
        let record = ImageRecord {
            digest: resolved.manifest.digest,
            config: resolved.config,
            layers: stack(layers.into_iter().map(|layer| layer.name)),
        };
        self.records
            .store(wanted.reference, wanted.platform, &record)
            .map_err(PullError::store(&self.root))?;
        Ok(record)
    }

    fn announce(&self, wanted: Wanted<'_>, layers: &[Layer], notice: &(dyn Fn(String) + Sync)) {
        let dir = self.layers_dir();
        let missing: Vec<_> = layers
            .iter()
            .filter(|layer| !dir.join(&layer.name).exists())
            .collect();
        if !missing.is_empty() {
            let bytes: u64 = missing.iter().map(|layer| layer.blob.size).sum();
            notice(format!(
                "pulling {} for {}: {} of {} layers, {:.1} MB",
                wanted.name,
                wanted.platform,
                missing.len(),
                layers.len(),
                bytes as f64 / 1e6
            ));
        }
    }

    async fn fetch(&self, repository: &dyn Repository, layers: &[Layer]) -> Result<(), PullError> {
        let fetches: Vec<_> = layers
            .iter()
            .map(|layer| fetch_layer(&self.root, repository, layer))
            .collect();
        futures_util::stream::iter(fetches)
            .buffer_unordered(PARALLEL_LAYERS)
            .try_collect()
            .await
    }

    /// Removes what killed processes left half done, and images that nobody used for long. Blocks.
    pub(super) fn tidy(&self) {
        let now = SystemTime::now();
        prune::prune(&self.root, &self.records, now);
        layer::tidy(&self.root, now);
    }
}

fn absent(wanted: Wanted<'_>) -> Verdict {
    Verdict::new(
        VerdictKind::ImageNotFound,
        format!(
            "{} for {} is not on this machine, and `pull_policy: never` forbids to fetch it",
            wanted.name, wanted.platform
        ),
    )
    .with_hint("pull it once, or allow another pull policy")
}

/// Layers to mount, lowest first. overlayfs takes no directory twice; of equal layers the highest hides all that the
/// others could show.
fn stack(names: impl DoubleEndedIterator<Item = String>) -> Vec<String> {
    let mut stack = Vec::new();
    for name in names.rev() {
        if !stack.contains(&name) {
            stack.push(name);
        }
    }
    stack.reverse();
    stack
}

/// A relative layout path is meant from the project.
pub(super) fn anchored(reference: Reference, project_dir: &Path) -> Reference {
    match reference {
        Reference::Layout(mut place) => {
            place.path = project_dir.join(place.path);
            Reference::Layout(place)
        }
        registry @ Reference::Registry(_) => registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_layers_the_highest_is_mounted() {
        let names = ["base", "empty", "app", "empty", "base"].map(String::from);
        assert_eq!(stack(names.into_iter()), ["app", "empty", "base"]);
    }
}
