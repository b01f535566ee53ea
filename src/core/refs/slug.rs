//! Names of refs as DNS labels, each name with one of its own.

use sha2::{Digest, Sha256};

/// Longest DNS label, in bytes (RFC 1123).
const MAX: usize = 63;
/// Hexadecimal digits of a name's hash.
const HASH: usize = 16;

/// A DNS label for a name: what `CI_COMMIT_REF_SLUG` is, but different for different names.
///
/// A name that is a label already stays as it is. Any other gets a part of its hash, and so does a label that looks as if it
/// had one: no name can be chosen to get another's label.
pub fn unique_slug(name: &str) -> String {
    if is_label(name) && !ends_like_a_hash(name) {
        return name.to_owned();
    }
    let mut slug: String = name
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(MAX - HASH - 1)
        .collect();
    slug.truncate(slug.trim_end_matches('-').len());
    let digest = hex::encode(Sha256::digest(name.as_bytes()));
    let stem = slug.trim_start_matches('-');
    let stem = if stem.is_empty() { "ref" } else { stem };
    format!("{stem}-{}", &digest[..HASH])
}

fn is_label(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= MAX
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn ends_like_a_hash(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == HASH && end.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_stay_and_other_names_are_told_apart() {
        for name in ["main", "feature-1", "0"] {
            assert_eq!(unique_slug(name), name);
        }
        let names = [
            "feature/1",
            "feature_1",
            "Feature-1",
            "é",
            "ü",
            "-",
            "",
            "feature-1-",
        ];
        let slugs: std::collections::BTreeSet<String> =
            names.iter().map(|name| unique_slug(name)).collect();
        assert_eq!(slugs.len(), names.len());
        let taken = unique_slug("feature/1");
        assert_ne!(unique_slug(&taken), taken);
    }

    proptest! {
        #[test]
        fn every_name_gets_a_label(name in "\\PC{0,80}") {
            let slug = unique_slug(&name);
            prop_assert!(is_label(&slug), "{}", slug);
        }

        #[test]
        fn names_that_look_alike_differ(one in "[aA/_-]{1,5}", other in "[aA/_-]{1,5}") {
            prop_assert_eq!(one == other, unique_slug(&one) == unique_slug(&other));
        }
    }
}
