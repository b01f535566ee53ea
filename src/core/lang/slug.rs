//! Names reduced to what host names and labels allow.

use sha2::{Digest, Sha256};

/// Longest `CI_COMMIT_REF_SLUG` and its relatives, one DNS label.
const MAX_SLUG: usize = 63;
/// Longest `CI_ENVIRONMENT_SLUG`.
const MAX_ENVIRONMENT_SLUG: usize = 24;
/// A dash and six characters of a hash.
const SUFFIX: usize = 7;

/// `CI_COMMIT_REF_SLUG`: lower case, everything outside `[a-z0-9]` as `-`, at most 63 bytes, no dash at an end.
pub fn slug(name: &str) -> String {
    let mut slug: String = name
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(MAX_SLUG)
        .collect();
    slug.truncate(slug.trim_end_matches('-').len());
    slug.trim_start_matches('-').to_owned()
}

/// `CI_ENVIRONMENT_SLUG`: as a slug without repeated dashes, at most 24 bytes, beginning with a letter. A name that loses
/// anything by that gets six characters of its hash, so that no two names share a slug by shortening.
pub fn environment_slug(name: &str) -> String {
    let mut slug = String::new();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        slug.push_str("env-");
    }
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if c != '-' || !slug.ends_with('-') {
            slug.push(c);
        }
    }
    if slug == name && slug.len() <= MAX_ENVIRONMENT_SLUG && !slug.ends_with('-') {
        return slug;
    }
    slug.truncate(MAX_ENVIRONMENT_SLUG - SUFFIX);
    let stem = slug.trim_end_matches('-');
    format!("{stem}-{}", suffix(name))
}

/// The last six digits of the name's SHA-256 written in base 36, as GitLab computes it.
fn suffix(name: &str) -> String {
    const BASE: u64 = 36;
    let modulus = BASE.pow(SUFFIX as u32 - 1);
    let mut rest = Sha256::digest(name.as_bytes())
        .iter()
        .fold(0, |rest, byte| (rest * 256 + u64::from(*byte)) % modulus);
    let mut digits = Vec::new();
    while digits.len() < SUFFIX - 1 {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % BASE) as usize]);
        rest /= BASE;
    }
    digits
        .iter()
        .rev()
        .map(|&digit| char::from(digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_slugs() {
        let table = [
            ("main", "main"),
            ("Feature/ABC_1", "feature-abc-1"),
            ("-x-", "x"),
            ("v1.2.3", "v1-2-3"),
            ("é", ""),
        ];
        for (name, expected) in table {
            assert_eq!(slug(name), expected, "{name}");
        }
        assert_eq!(slug(&"a".repeat(80)).len(), 63);
        assert_eq!(slug(&format!("{}-b", "a".repeat(62))), "a".repeat(62));
    }

    #[test]
    fn environment_slugs_are_short_and_keep_names_apart() {
        assert_eq!(environment_slug("production"), "production");
        let table = [
            "review/a",
            "review-a-",
            "Review",
            "1st",
            &"x".repeat(40),
            "é",
            "",
        ];
        for name in table {
            let slug = environment_slug(name);
            assert!(slug.len() <= 24, "{slug}");
            assert!(slug.starts_with(|c: char| c.is_ascii_lowercase()), "{slug}");
            assert!(!slug.contains("--") && !slug.ends_with('-'), "{slug}");
        }
        assert_ne!(environment_slug("review/a"), environment_slug("review_a"));
        assert_eq!(environment_slug("review/a"), environment_slug("review/a"));
    }
}
