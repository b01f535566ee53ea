//! The entry of an index that a machine takes.

use super::{Descriptor, ImageIndex};
use crate::platform::Platform;

/// An index without the platform asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no image for {wanted}; there is {}", list(available))]
pub struct NoPlatform {
    /// What was asked for.
    pub wanted: Platform,
    /// What there is.
    pub available: Vec<Platform>,
}

fn list(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return "none for any platform".into();
    }
    let names: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The first entry for `wanted`, or the only image if that doesn't say what it is for: its configuration will. An exact match of the variant wins over the absence of one; an entry of a higher
/// variant (`amd64/v3`) is never taken, since the machine may not have it.
pub fn select<'a>(index: &'a ImageIndex, wanted: &Platform) -> Result<&'a Descriptor, NoPlatform> {
    let candidates = index
        .manifests
        .iter()
        .filter(|entry| !entry.is_attachment())
        .filter_map(|entry| Some((entry, entry.platform.as_ref()?.platform())));
    let mut available = Vec::new();
    for (entry, platform) in candidates {
        if platform.matches(wanted) {
            return Ok(entry);
        }
        available.push(platform);
    }
    let mut silent = index
        .manifests
        .iter()
        .filter(|entry| entry.platform.is_none() && !entry.is_attachment());
    match (silent.next(), silent.next()) {
        (Some(only), None) if available.is_empty() => return Ok(only),
        _ => {}
    }
    Err(NoPlatform {
        wanted: wanted.clone(),
        available,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Digest, EntryPlatform, media};

    fn index(platforms: &[&str]) -> ImageIndex {
        let entry = |text: &&str| {
            let platform = Platform::parse(text).unwrap();
            let mut entry = Descriptor::new(media::MANIFEST, Digest::of(text.as_bytes()), 1);
            entry.platform = Some(EntryPlatform::from(&platform));
            entry
        };
        ImageIndex {
            media_type: None,
            manifests: platforms.iter().map(entry).collect(),
            annotations: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn the_first_fitting_entry_is_taken() {
        let index = index(&[
            "unknown/unknown",
            "linux/amd64/v3",
            "linux/amd64",
            "linux/arm64/v8",
        ]);
        let table = [
            ("linux/amd64", "linux/amd64"),
            ("linux/arm64", "linux/arm64/v8"),
        ];
        for (wanted, taken) in table {
            let entry = select(&index, &Platform::parse(wanted).unwrap()).unwrap();
            assert_eq!(entry.digest, Digest::of(taken.as_bytes()), "{wanted}");
        }
    }

    #[test]
    fn an_only_image_need_not_say_what_it_is_for() {
        let mut silent = index(&["linux/amd64"]);
        silent.manifests[0].platform = None;
        let amd64 = Platform::parse("linux/amd64").unwrap();
        assert!(select(&silent, &amd64).is_ok());
        silent.manifests.push(silent.manifests[0].clone());
        assert!(select(&silent, &amd64).is_err());
    }

    #[test]
    fn a_missing_platform_names_what_there_is() {
        let error = select(
            &index(&["linux/amd64", "linux/arm64"]),
            &Platform::parse("linux/s390x").unwrap(),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no image for linux/s390x; there is linux/amd64, linux/arm64"
        );
    }
}
