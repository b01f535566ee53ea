//! A structured view of what a reference names.

use std::{collections::BTreeMap, fmt};

use aqueduct_core::image::{Descriptor, Digest, EntryPlatform, Manifest, Reference, media};
use aqueduct_registry::{Access, Client, RegistryError, pull};
use serde::Serialize;

/// What a reference names.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The reference asked for.
    pub reference: String,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// Whether it is an index.
    pub index: bool,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Entries of an index; of a single image, itself.
    pub entries: Vec<InspectedEntry>,
}

/// One image.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedEntry {
    /// `linux/arm64`; `None` where nothing says so.
    pub platform: Option<String>,
    /// Digest of its manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Length of its manifest in bytes.
    pub size: u64,
    /// The image it is an attestation of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attests: Option<String>,
    /// Its annotations within the index.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl InspectedEntry {
    fn new(entry: Descriptor) -> Self {
        Self {
            attests: entry.attests().map(str::to_owned),
            platform: entry
                .platform
                .as_ref()
                .map(EntryPlatform::platform)
                .map(|platform| platform.to_string()),
            digest: entry.digest,
            media_type: entry.media_type,
            size: entry.size,
            annotations: entry.annotations,
        }
    }
}

/// Looks at what `reference` names.
pub async fn inspect(client: &Client, reference: &Reference) -> Result<Inspection, RegistryError> {
    let repository = client.open(reference, Access::Pull);
    let manifest = repository.manifest(&reference.target()).await?;
    let name = reference.to_string();
    let (annotations, entries) = match manifest.parse(&name)? {
        Manifest::Index(index) => (index.annotations, index.manifests),
        Manifest::Image(image) => {
            let mut own = manifest.descriptor();
            // Artifacts that are no images have configurations of other types.
            if media::is_config(&image.config.media_type) {
                let (config, _) = pull::read_config(&*repository, &name, &image.config).await?;
                own.platform = Some(EntryPlatform::from(&config.platform()));
            }
            (image.annotations, vec![own])
        }
    };
    Ok(Inspection {
        reference: name,
        digest: manifest.digest.clone(),
        index: media::is_index(&manifest.media_type),
        size: manifest.bytes.len() as u64,
        media_type: manifest.media_type,
        annotations,
        entries: entries.into_iter().map(InspectedEntry::new).collect(),
    })
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.reference)?;
        writeln!(f, "  digest    {}", self.digest)?;
        writeln!(f, "  type      {}", self.media_type)?;
        for (key, value) in &self.annotations {
            writeln!(f, "  {key} = {value}")?;
        }
        for entry in &self.entries {
            let platform = entry.platform.as_deref().unwrap_or("no platform");
            let kind = if entry.attests.is_some() {
                "attestation"
            } else {
                platform
            };
            writeln!(f, "  {kind:<16}{}", entry.digest)?;
        }
        Ok(())
    }
}
